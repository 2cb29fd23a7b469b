// Starts the built rouse with a configuration, and engines that a test can ask about.
import {spawn} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import net from 'node:net';
import {tmpdir} from 'node:os';
import path from 'node:path';

const need = (name) => {
  if (!process.env[name]) throw new Error(`${name} must name the built program`);
  return process.env[name];
};

const isFree = (port) =>
  new Promise((resolve) => {
    const server = net.createServer().once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

let lastPort = 32000 + process.pid % 700;

/** A port that is free, with count that many in a row; below those that the kernel gives to whoever
 * asks for any, so that nobody takes it by chance before it is used. */
export const freePort = async (count = 1) => {
  for (let found = 0, tried = 0; tried < 1400; ++tried) {
    lastPort = lastPort >= 32700 ? 32000 : lastPort + 1;
    found = lastPort > 32000 && await isFree(lastPort) ? found + 1 : 0;
    if (found === count) return lastPort - count + 1;
  }
  throw new Error('there is no free port');
};

export const until = async (what, condition, limitMs = 30000) => {
  const end = Date.now() + limitMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

/** One model of a fake engine: {id: options}; its requests are recorded. */
export class Rouse {
  static async start(yaml, env = {}, listen = '127.0.0.1:0') {
    const rouse = new Rouse();
    rouse.dir = mkdtempSync(path.join(tmpdir(), 'rouse-clients-'));
    const file = path.join(rouse.dir, 'config.yaml');
    writeFileSync(file, yaml);
    rouse.log = '';
    // Folders of its own: an installed rouse has others.
    env = {STATE_DIRECTORY: rouse.dir, RUNTIME_DIRECTORY: rouse.dir, ...env};
    rouse.child = spawn(need('ROUSE_BIN'),
      ['serve', '--config', file, '--listen', listen, '--state-dir', rouse.dir],
      {env: {...process.env, ...env}, stdio: ['ignore', 'inherit', 'pipe']});
    rouse.child.stderr.on('data', (bytes) => { rouse.log += bytes; });
    const found = await until('rouse to listen', () => {
      if (rouse.child.exitCode !== null) throw new Error(`rouse ended:\n${rouse.log}`);
      return rouse.log.match(/listening on (http:\/\/\S+)/);
    });
    rouse.url = found[1];
    return rouse;
  }

  async queue() {
    return (await fetch(`${this.url}/api/queue`)).json();
  }

  /** Ends it; a rouse that does not end in time is killed, and that is a failure. */
  async stop() {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    if (this.child.exitCode === null) {
      this.child.kill('SIGTERM');
      const timer = setTimeout(() => this.child.kill('SIGKILL'), 40000);
      const code = await ended;
      clearTimeout(timer);
      if (code !== 0) throw new Error(`rouse ended with ${code}:\n${this.log}`);
    }
    rmSync(this.dir, {recursive: true, force: true});
  }
}

/** The YAML of fake engines, and where each answers. @p models: {id: 'options of its command line'}. */
export const fakeModels = async (models) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'rouse-record-'));
  const ports = {};
  let yaml = 'models:\n';
  for (const [id, options] of Object.entries(models)) {
    ports[id] = await freePort();
    yaml += `  ${id}:\n    cmd: ${need('FAKE_ENGINE_BIN')} --name ${id} --port ${ports[id]} ` +
            `--record ${dir}/${id} ${options}\n    proxy: http://127.0.0.1:${ports[id]}\n`;
  }
  const requests = (id) => {
    try {
      return readFileSync(`${dir}/${id}`, 'utf8').trim().split('\n').length;
    } catch {
      return 0;
    }
  };
  return {yaml, ports, requests, clean: () => rmSync(dir, {recursive: true, force: true})};
};
