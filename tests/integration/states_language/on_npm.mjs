// Runs every execution of stdin on aws-local-stepfunctions and prints what happened, in their order.
// Waits and back-offs are noted and take no time.
import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';

const [packages] = process.argv.slice(2);
const LIMIT_S = 99999;
const SOON_MS = 20;
const executions = new AsyncLocalStorage();
const wait = globalThis.setTimeout;
globalThis.setTimeout = (then, ms, ...rest) => {
  // A task's own limit is reached only where its function stays silent.
  if (ms === LIMIT_S * 1000) return wait(then, SOON_MS, ...rest);
  if (ms > 0) executions.getStore()?.push(ms / 1000);
  return wait(then, 0, ...rest);
};
const { StateMachine } = createRequire(packages)('aws-local-stepfunctions');

function tasksOf({ States }) {
  return Object.entries(States).flatMap(([name, state]) =>
    state.Type === 'Map' ? tasksOf(state.ItemProcessor) : state.Type === 'Task' ? [[name, state]] : [],
  );
}

async function answer({ silent }, left, calls, input) {
  calls.push({ state: input.FunctionName.split(':').at(-1), payload: input.Payload });
  const token = 'task_token' in input.Payload;
  if (token && silent) return new Promise(() => {});
  const { error, verdict = 'done', wait = 1 } = left.shift() ?? {};
  if (error) throw Object.assign(new Error('scripted'), { name: error });
  return token ? { posted: verdict } : { Payload: { verdict, wait } };
}

async function run(definition, tasks, given) {
  const states = [];
  const calls = [];
  const waits = [];
  const left = [...given.answers];
  const taskResourceLocalHandlers = Object.fromEntries(
    tasks.map(([name]) => [name, (input) => answer(given, left, calls, input)]),
  );
  const ended = await executions.run(waits, async () => {
    const execution = new StateMachine(definition, { validationOptions: { checkArn: false, noValidate: true } }).run(given.input, {
      context: { Task: { Token: 'token' } },
      overrides: { taskResourceLocalHandlers },
    });
    const result = execution.result.then(
      (output) => ({ status: 'SUCCEEDED', output }),
      (error) => ({ status: 'FAILED', output: error.cause?.name ?? error.message }),
    );
    for await (const event of execution.eventLogs) {
      if (event.type === 'StateEntered') states.push(event.state.name);
    }
    return result;
  });
  return { states, calls, waits, ...ended };
}

const ran = [];
for (const { definition, runs } of JSON.parse(await text(process.stdin))) {
  const tasks = tasksOf(definition);
  for (const [, state] of tasks) {
    // AWS reads a TimeoutSecondsPath from the state's input; this engine reads it from what Parameters made of that, and finds nothing.
    delete state.TimeoutSecondsPath;
    state.TimeoutSeconds = LIMIT_S;
  }
  for (const given of runs) ran.push(await run(definition, tasks, given));
}
// Limits that were never reached would keep the process.
process.stdout.write(JSON.stringify(ran), () => process.exit());
