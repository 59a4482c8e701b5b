// All that somebody who has logged in with a key has to do with messages.
import { Letters } from './letters.js';
import { Mailbox } from './mailbox.js';
import { Partners } from './partners.js';

export class Post {
  // identity: as the vault has it.
  constructor(api, identity) {
    this.identity = identity;
    this.partners = new Partners(api, identity);
    this.letters = new Letters(api, identity, this.partners);
    this.mailbox = new Mailbox(api, this.letters.path());
  }
}
