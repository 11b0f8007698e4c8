// Runs every path of stdin on aws-local-stepfunctions and prints what happened: {name: {states, calls, status, output}}.
// Waits for seconds and the back-off of retries take no time; an instant that has passed needs no override.
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';

const [packages] = process.argv.slice(2);
const { StateMachine } = createRequire(packages)('aws-local-stepfunctions');
const { definition, paths, input: more } = JSON.parse(await text(process.stdin));

// AWS reads a TimeoutSecondsPath from the state's input; this engine reads it from what Parameters made of that, and finds nothing.
for (const state of Object.values(definition.States)) delete state.TimeoutSecondsPath;

const pauses = Object.entries(definition.States).filter(([, state]) => state.Seconds || state.SecondsPath).map(([name]) => name);
const isOf = (type) => ([, state]) => state.Type === type;
const named = (type, value) =>
  Object.fromEntries(Object.entries(definition.States).filter(isOf(type)).map(([name]) => [name, value(name)]));

async function answer(state, input, left, calls) {
  calls.push({ state, payload: input.Payload });
  const next = left.shift();
  if (next?.state !== state) throw Object.assign(new Error(`asked ${state}`), { name: 'NotInTheScript' });
  const error = next.silent ? 'States.Timeout' : next.error;
  if (error) throw Object.assign(new Error('scripted'), { name: error });
  return next.posted ? {} : { Payload: next.payload };
}

async function run(name, { answers }) {
  const left = [...answers];
  const calls = [];
  const states = [];
  const execution = new StateMachine(definition, { validationOptions: { checkArn: false } }).run(
    { job_id: name, ...more },
    {
      context: { Task: { Token: 'token' } },
      overrides: {
        taskResourceLocalHandlers: named('Task', (state) => (input) => answer(state, input, left, calls)),
        waitTimeOverrides: Object.fromEntries(pauses.map((name) => [name, 0])),
        retryIntervalOverrides: named('Task', () => 0),
      },
    },
  );
  const ended = execution.result.then(
    (output) => ({ status: 'SUCCEEDED', output }),
    (error) => ({ status: 'FAILED', output: error.cause?.name ?? error.message }),
  );
  for await (const event of execution.eventLogs) {
    if (event.type === 'StateEntered') states.push(event.state.name);
  }
  return [name, { states, calls, left: left.length, ...(await ended) }];
}

const ran = await Promise.all(Object.entries(paths).map(([name, path]) => run(name, path)));
process.stdout.write(JSON.stringify(Object.fromEntries(ran)));
