#!/usr/bin/env bash
# The Inspector against the program: schemas every client can read, one call, one failure.
set -euo pipefail

binary=$1
url=https://shop.example.com/products/espresso-grinder-250
work=$(mktemp -d)
server=
trap '[[ -n $server ]] && kill "$server" 2>/dev/null; rm -rf "$work"' EXIT

"$binary" serve --demo --http 127.0.0.1:0 2>"$work/log" &
server=$!
address=
for _ in $(seq 100); do
  address=$(sed -nE 's/.*address=([0-9.]+:[0-9]+).*/\1/p' "$work/log")
  [[ -n $address ]] && break
  sleep 0.1
done
[[ -n $address ]] || { echo "the server did not start:"; cat "$work/log"; exit 1; }

# A catalogue of its own, so that nobody's settings are read or written.
export MCP_CATALOG_PATH=$work/catalog.json

inspector() {
  local era=$1 transport=$2
  shift 2
  if [[ $transport == http ]]; then
    timeout 60 mcp-inspector --cli --protocol-era "$era" -q --format json \
      --server-url "http://$address/mcp" --transport http "$@"
  else
    timeout 60 mcp-inspector --cli --protocol-era "$era" -q --format json "$binary" serve --demo "$@"
  fi
}

for transport in stdio http; do
  for era in legacy modern auto; do
    inspector "$era" "$transport" --method tools/list --strict >"$work/tools" 2>"$work/complaints" ||
      { cat "$work/complaints"; echo "$transport $era: schemas are not portable"; exit 1; }
    [[ ! -s $work/complaints ]] || { cat "$work/complaints"; echo "$transport $era: warnings"; exit 1; }
    inspector "$era" "$transport" --method tools/call --tool-name get_ingress --tool-arg "url=$url" >"$work/answer"
    grep -q structuredContent "$work/answer" || { cat "$work/answer"; echo "$transport $era: no structure"; exit 1; }
    status=0
    inspector "$era" "$transport" --method tools/call --tool-name get_ingress --tool-arg nonsense=1 \
      >"$work/answer" 2>&1 || status=$?
    [[ $status == 5 ]] || { cat "$work/answer"; echo "$transport $era: a failure ended with $status"; exit 1; }
    echo "inspector $transport $era: ok"
  done
done
