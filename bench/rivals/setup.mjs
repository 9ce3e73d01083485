/**
 * `npm run bench:setup`: gets what the rivals of `bench -- rivals` need. Their packages, into node_modules beside this file; where it
 * runs as root on Debian, the Debian packages of the native rivals and of the nats broker; then it builds the native rivals. What it
 * could not get is said, and `bench -- rivals` skips by name what lacks it: that is no error.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));

/** What building the native rivals takes, and the broker of nats. */
function debianPackages() {
  const rivals = JSON.parse(readFileSync(`${here}native/rivals.json`, 'utf8'));
  return [...new Set([...rivals.flatMap((rival) => rival.debian), 'nats-server'])];
}

/** @param {string} command @param {readonly string[]} args @returns {boolean} whether it succeeded */
function run(command, args) {
  console.log(`$ ${command} ${args.join(' ')}`);
  return spawnSync(command, args, { cwd: here, stdio: 'inherit' }).status === 0;
}

/** @param {string} name */
function isInstalled(name) {
  try {
    const status = execFileSync('dpkg-query', ['-W', '-f', '${db:Status-Status}', name], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return status === 'installed';
  } catch {
    return false;
  }
}

function installDebianPackages() {
  if (!existsSync('/etc/debian_version')) {
    console.log('not Debian: the native rivals need gRPC C++, grpc-go, Cap’n Proto C++ and nats-server by other means');
    return;
  }
  const missing = debianPackages().filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  const isRoot = process.getuid?.() === 0;
  if (
    isRoot &&
    run('apt-get', ['update', '-q']) &&
    run('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...missing])
  )
    return;
  console.log(`these Debian packages are missing: sudo apt-get install ${missing.join(' ')}`);
}

// The scripts of packages are not run: zeromq brings its binaries, and the others have none.
const packagesAreThere = run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
installDebianPackages();
if (!run('make', ['-C', 'native'])) console.log('not all of the native rivals were built');
process.exitCode = packagesAreThere ? 0 : 1;
