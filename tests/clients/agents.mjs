#!/usr/bin/env node
// The real command-line agents against rouse and fake engines that take their time to load:
//   node agents.mjs [--clients opencode,codex,…] [--loads 0,20,90] [--jobs 2] [--prefix DIR]
// Prints a table; the exit status is 0 when every agent said what the engine had answered and none
// had to ask twice. See README.md.
import {execFileSync, spawn, spawnSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {freePort, Rouse} from './rouse.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const ANSWER = 'PONG from the mock backend.';
const PROMPT = 'Say PONG and nothing else.';
const MODELS = ['local-big', 'local-small'];

const write = (home, name, value) => {
  const file = path.join(home, name);
  mkdirSync(path.dirname(file), {recursive: true});
  writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value, null, 1));
};

// Each: the npm package with the version that the recordings are of, what has to lie in its HOME,
// its environment, its command line.
const AGENTS = {
  opencode: {
    package: 'opencode-ai@1.18.33',
    prepare: (home, url) => write(home, '.config/opencode/opencode.json', {
      model: 'rouse/local-big', small_model: 'rouse/local-small', autoupdate: false, share: 'disabled',
      provider: {rouse: {npm: '@ai-sdk/openai-compatible', options: {baseURL: `${url}/v1`, apiKey: 'none'},
        models: Object.fromEntries(MODELS.map((id) => [id, {}]))}}}),
    env: () => ({OPENCODE_DISABLE_AUTOUPDATE: '1', OPENCODE_DISABLE_MODELS_FETCH: '1',
      OPENCODE_DISABLE_LSP_DOWNLOAD: '1'}),
    argv: () => ['opencode', 'run', PROMPT],
  },
  codex: {
    package: '@openai/codex@0.169.0',
    prepare: (home, url) => write(home, '.codex/config.toml',
      'model = "local-big"\nmodel_provider = "rouse"\ncheck_for_update_on_startup = false\n' +
      '[analytics]\nenabled = false\n' +
      `[model_providers.rouse]\nname = "rouse"\nbase_url = "${url}/v1"\nwire_api = "responses"\n` +
      'env_key = "ROUSE_KEY"\n'),
    env: (home) => ({CODEX_HOME: path.join(home, '.codex'), ROUSE_KEY: 'none'}),
    argv: () => ['codex', 'exec', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox', PROMPT],
  },
  claude: {
    package: '@anthropic-ai/claude-code@2.1.329',
    prepare: () => {},
    env: (home, url) => ({ANTHROPIC_BASE_URL: url, ANTHROPIC_AUTH_TOKEN: 'none', ANTHROPIC_MODEL: 'local-big',
      ANTHROPIC_DEFAULT_HAIKU_MODEL: 'local-small', CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1'}),
    argv: () => ['claude', '-p', PROMPT],
  },
  pi: {
    package: '@mariozechner/pi-coding-agent@0.73.1',
    prepare: (home, url) => write(home, '.pi/agent/models.json', {providers: {rouse: {
      baseUrl: `${url}/v1`, api: 'openai-completions', apiKey: 'none', models: [{id: 'local-big'}]}}}),
    env: () => ({PI_OFFLINE: '1'}),
    argv: () => ['pi', '--provider', 'rouse', '--model', 'local-big', '-p', PROMPT],
  },
  qwen: {
    package: '@qwen-code/qwen-code@0.24.4',
    prepare: (home) => write(home, '.qwen/settings.json', {
      security: {auth: {selectedType: 'openai'}}, telemetry: {enabled: false},
      privacy: {usageStatisticsEnabled: false}, general: {disableAutoUpdate: true}}),
    env: (home, url) => ({OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_KEY: 'none', OPENAI_MODEL: 'local-big'}),
    argv: () => ['qwen', '-p', PROMPT],
  },
  cline: {
    package: 'cline@3.0.65',
    prepare: (home, url, run) => run(['cline', 'auth', '-p', 'openai', '-k', 'none', '-m', 'local-big',
      '-b', `${url}/v1`]),
    env: () => ({CLINE_TELEMETRY_DISABLED: '1'}),
    argv: () => ['cline', '--json', PROMPT],
  },
};

const {values: options} = parseArgs({options: {
  clients: {type: 'string', default: Object.keys(AGENTS).join()},
  loads: {type: 'string', default: '0,20,90'},
  jobs: {type: 'string', default: '2'},
  prefix: {type: 'string'},
  isolated: {type: 'boolean', default: false},
}});
const clients = options.clients.split(',');
const unknown = clients.filter((name) => !AGENTS[name]);
if (unknown.length) {
  console.error(`no such client: ${unknown.join(', ')}; there are: ${Object.keys(AGENTS).join(', ')}`);
  process.exit(2);
}
const loads = options.loads.split(',').map(Number);
process.env.ROUSE_BIN ??= path.join(here, '../../build/dev/rouse');
process.env.FAKE_ENGINE_BIN ??= path.join(here, '../../build/dev/fake_engine');

const bin = (prefix) => path.join(prefix, 'node_modules/.bin');
const isNodeOld = Number(process.versions.node.split('.')[0]) < 22;

const install = (prefix) => {
  const packages = clients.map((name) => AGENTS[name].package);
  if (isNodeOld) packages.push('node@22');  // some agents need it
  execFileSync('npm', ['install', '--prefix', prefix, '--no-audit', '--no-fund', '--loglevel=error', ...packages],
    {stdio: ['ignore', 'ignore', 'inherit']});
};

/** Runs this program again where only the loopback interface is: the agents reach nobody else. */
const isolate = (prefix) => {
  const user = process.getuid() === 0 ? [] : ['--map-root-user'];
  const again = [process.execPath, fileURLToPath(import.meta.url), '--isolated', '--prefix', prefix,
    '--clients', options.clients, '--loads', options.loads, '--jobs', options.jobs];
  const {status, error} = spawnSync('unshare',
    [...user, '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...again], {stdio: 'inherit'});
  if (error) throw new Error(`unshare (util-linux) is needed to keep the agents off the network: ${error.message}`);
  return status ?? 1;
};

const start = (argv, {env, cwd, limitMs}) => new Promise((resolve) => {
  const child = spawn(argv[0], argv.slice(1), {env, cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true});
  let out = '';
  let err = '';
  child.stdout.on('data', (bytes) => { out += bytes; });
  child.stderr.on('data', (bytes) => { err += bytes; });
  const kill = () => { try { process.kill(-child.pid, 'SIGKILL'); } catch { /* it has gone */ } };
  const timer = setTimeout(kill, limitMs);
  child.once('error', (error) => resolve({code: -1, out, err: String(error)}));
  child.once('exit', (code, signal) => {
    clearTimeout(timer);
    kill();  // what it left behind
    resolve({code: code ?? signal, out, err});
  });
});

/** What the engines were asked: one line of JSON for each request. */
const recorded = (file) => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(JSON.parse) : []);

const repeated = (records) => records.length - new Set(records.map(({target, body_hash: hash, headers}) =>
  createHash('sha1').update(target + hash + (headers.find(([name]) => /^x-session-id$/i.test(name)) ?? ''))
    .digest('hex'))).size;

async function runOne(name, load, prefix) {
  const agent = AGENTS[name];
  const home = mkdtempSync(path.join(tmpdir(), `rouse-${name}-`));
  const record = path.join(home, 'record');
  let yaml = 'models:\n';
  for (const id of MODELS) {
    const port = await freePort();
    yaml += `  ${id}:\n    cmd: ${process.env.FAKE_ENGINE_BIN} --name ${id} --port ${port} --load-ms ${load * 1000} ` +
            `--record ${record} --text '${ANSWER}'\n    proxy: http://127.0.0.1:${port}\n`;
  }
  const rouse = await Rouse.start(yaml);
  const cwd = path.join(home, 'work');
  mkdirSync(cwd);
  const node = isNodeOld ? `${path.join(prefix, 'node_modules/node/bin')}:` : '';
  const env = {PATH: `${node}${bin(prefix)}:/usr/local/bin:/usr/bin:/bin`, HOME: home, TERM: 'dumb', LANG: 'C.UTF-8',
    TMPDIR: tmpdir(), NO_COLOR: '1', ...agent.env(home, rouse.url)};
  await agent.prepare(home, rouse.url, (argv) => start(argv, {env, cwd, limitMs: 60000}));
  const began = Date.now();
  const done = await start(agent.argv(), {env, cwd, limitMs: (load * 3 + 180) * 1000});
  const seconds = (Date.now() - began) / 1000;
  const {data: rows} = await (await fetch(`${rouse.url}/api/metrics/activity?limit=100`)).json();
  const records = recorded(record);
  const row = {client: name, version: agent.package.split('@').pop(), load, seconds: seconds.toFixed(1),
    asked: rows.length, engine: records.length, again: repeated(records),
    failed: rows.filter(({outcome}) => outcome !== 'ok').length, starts: (rouse.log.match(/ start local-/g) ?? []).length,
    result: 'ok'};
  const faults = [];
  if (done.code !== 0) faults.push(`exit ${done.code}`);
  if (!done.out.includes(ANSWER)) faults.push('no answer on stdout');
  if (row.again || row.failed) faults.push('asked again');
  if (faults.length) {
    row.result = faults.join(', ');
    row.details = `--- ${name}, load ${load} s\nstdout: ${done.out.slice(-1500)}\nstderr: ${done.err.slice(-1500)}\n` +
                  `rouse:\n${rouse.log}`;
  }
  await rouse.stop().catch((error) => {
    row.result += '; rouse did not end';
    row.details = `${row.details ?? ''}\n${error.message}`;
  });
  rmSync(home, {recursive: true, force: true, maxRetries: 3});
  return row;
}

const COLUMNS = ['client', 'version', 'load', 'seconds', 'asked', 'engine', 'again', 'failed', 'starts', 'result'];
const print = (rows) => {
  const width = (column) => Math.max(column.length, ...rows.map((row) => String(row[column]).length));
  const line = (cells) => console.log(COLUMNS.map((column) => String(cells[column]).padEnd(width(column))).join('  ').trimEnd());
  line(Object.fromEntries(COLUMNS.map((column) => [column, column])));
  rows.forEach(line);
};

async function runAll(prefix) {
  const work = loads.flatMap((load) => clients.map((name) => [name, load]));
  const rows = [];
  const worker = async () => {
    for (let next = work.shift(); next; next = work.shift()) {
      const row = await runOne(...next, prefix);
      console.error(`${row.client} ${row.load} s: ${row.result} (${row.seconds} s)`);
      rows.push(row);
    }
  };
  await Promise.all(Array.from({length: Number(options.jobs)}, worker));
  rows.sort((a, b) => a.load - b.load || clients.indexOf(a.client) - clients.indexOf(b.client));
  for (const {details} of rows) if (details) console.error(details);
  print(rows);
  return rows.every(({result}) => result === 'ok') ? 0 : 1;
}

if (options.isolated) {
  process.exitCode = await runAll(options.prefix);
} else {
  const prefix = path.resolve(options.prefix ?? mkdtempSync(path.join(tmpdir(), 'rouse-agents-')));
  try {
    install(prefix);
    process.exitCode = isolate(prefix);
  } finally {
    if (!options.prefix) rmSync(prefix, {recursive: true, force: true});
  }
}
