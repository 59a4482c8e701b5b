// Every text of the page, in English.

export const strings = {
  frame: {
    brand: 'coffer',
    menu: 'Menu',
    skip: 'Skip to the contents',
    dismiss: 'Dismiss',
    yes: 'Yes',
    no: 'Cancel',
    logOut: 'Log out',
    loggedOut: 'Logged out.',
    logInFirst: 'Log in first.',
    notAllowed: 'Your account may not do that.',
    ended: 'The session has ended: log in again.',
    nowhere: 'Nothing here',
    nowhereText: 'There is no such page.',
    unreachable: 'The server does not answer.',
    request: (id) => `(request ${id})`,
    trust: 'This page is code from the server you see in the address bar, and you trust that server each time you open it: '
      + 'it could send you other code. The command line, coffer, does not have to trust it.',
  },
  menu: {
    start: 'Start',
  },
  // By the slug of the server's problem documents; where there is none here, the server's own words are shown.
  problems: {
    unauthorized: 'The server does not accept this token.',
    'rate-limited': 'Too many tries: wait a minute.',
  },
  start: {
    title: 'Start',
    tokenTitle: 'With a token',
    token: 'Token',
    tokenHint: 'It begins with coffer_. It stays in the memory of this page: a reload forgets it.',
    logIn: 'Log in',
    hello: (name) => `You are ${name}.`,
    scopes: 'What this session may do',
    noScopes: 'Nothing but ask who it is.',
    expires: (time) => `Until ${time}.`,
  },
};
