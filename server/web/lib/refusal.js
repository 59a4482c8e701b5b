// What is refused for a reason that a person should read: the message is that reason.
export class Refusal extends Error {
  constructor(text) {
    super(text);
    this.name = 'Refusal';
    this.forPeople = true;
  }
}
