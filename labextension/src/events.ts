/** Server-sent events, read from the pieces of a response as they come. */

export interface IServerEvent {
  readonly event: string;
  readonly data: string;
}

/** The events that `text` completes, and what is left of it for the next piece. */
export function takeEvents(text: string): { events: IServerEvent[]; rest: string } {
  const blocks = text.split('\n\n');
  const rest = blocks.pop() ?? '';
  const events: IServerEvent[] = [];
  for (const block of blocks) {
    let event = 'message';
    const data: string[] = [];
    for (const line of block.split('\n')) {
      if (line.startsWith('event:')) {
        event = line.slice(6).trim();
      } else if (line.startsWith('data:')) {
        data.push(line.slice(5).trimStart());
      }
    }
    if (data.length > 0) {
      events.push({ event, data: data.join('\n') });
    }
  }
  return { events, rest };
}
