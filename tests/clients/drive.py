"""Drives the program with the official Python SDK: see README.md."""

import asyncio
import json
import re
import sys

import jsonschema
from mcp import Client, MCPError, StdioServerParameters

URL = "https://shop.example.com/products/espresso-grinder-250"
TOOLS = [
    "check_backend",
    "controller_logs_filtered",
    "correlate_changes",
    "diagnose",
    "exec_probe",
    "find_conflicts",
    "get_ingress",
    "match_path",
]
MAX_CHARS = 10_000
MODES = ["legacy", "2026-07-28", "auto"]


class Driver:
    """One connection, and what every result must be."""

    def __init__(self, client, tools):
        self.client = client
        self.tools = {tool.name: tool for tool in tools}
        self.seen = []

    async def call(self, name, arguments):
        result = await self.client.call_tool(name, arguments)
        self.seen.append(name)
        text = "\n".join(block.text for block in result.content if block.type == "text")
        assert text.strip(), f"{name}: the text half is empty"
        assert len(text) <= MAX_CHARS, f"{name}: {len(text)} characters of text"
        if result.is_error:
            assert re.match(r"Error [a-z_]+: .+\nNext: .+", text, re.S), f"{name}: {text}"
            assert result.structured_content is None, f"{name}: an error with structure"
            return None, text
        structured = result.structured_content
        assert structured, f"{name}: the structured half is empty"
        size = len(json.dumps(structured, ensure_ascii=False, separators=(",", ":")))
        assert size <= MAX_CHARS, f"{name}: {size} characters of JSON"
        jsonschema.validate(structured, self.tools[name].output_schema)
        again = await self.client.call_tool(name, arguments)
        assert again.structured_content == structured, f"{name}: two calls, two answers"
        return structured, text

    async def answered(self, name, arguments):
        structured, text = await self.call(name, arguments)
        assert structured is not None, f"{name}{arguments}: {text}"
        return structured

    async def fails(self, name, arguments, code):
        structured, text = await self.call(name, arguments)
        assert structured is None and text.startswith(f"Error {code}: "), f"{name}{arguments}: {text}"


async def runbook(driver):
    """From the first step along `next`, each call once; a probe is off here and must say so."""
    queue = [("get_ingress", {"url": URL})]
    done = set()
    while queue:
        name, arguments = queue.pop(0)
        key = (name, json.dumps(arguments, sort_keys=True))
        if key in done:
            continue
        assert len(done) < 20, f"the runbook does not end: {sorted(done)}"
        done.add(key)
        if name == "exec_probe":
            await driver.fails(name, arguments, "disabled")
            continue
        structured = await driver.answered(name, arguments)
        steps = structured.get("next", [])
        assert len(steps) <= 2, f"{name}: {len(steps)} next steps"
        for step in steps:
            assert step["tool"] in TOOLS and step["why"], f"{name}: {step}"
            queue.append((step["tool"], step["arguments"]))


async def everything(client):
    tools = (await client.list_tools()).tools
    assert [tool.name for tool in tools] == TOOLS, [tool.name for tool in tools]
    for tool in tools:
        hints = tool.annotations
        assert hints.read_only_hint is (tool.name != "exec_probe"), tool.name
        assert None not in (hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint), tool.name
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        jsonschema.Draft202012Validator.check_schema(tool.output_schema)
    driver = Driver(client, tools)

    await runbook(driver)
    for name in TOOLS:
        if name not in driver.seen and name != "exec_probe":
            await driver.answered(name, {"host": "shop.example.com"} if name == "find_conflicts" else {"url": URL})
    verdict = (await driver.answered("diagnose", {"url": URL}))["verdict"]
    assert verdict["code"] and verdict["confidence"] and verdict["evidence"], verdict

    await driver.fails("match_path", {"url": "shop.example.com"}, "bad_arguments")
    await driver.fails("match_path", {"url": URL, "hosst": "x"}, "bad_arguments")
    try:
        await client.call_tool("get_ingres", {})
        raise AssertionError("an unknown tool was called")
    except MCPError as error:
        assert error.code == -32602 and "get_ingress" in error.message, error

    prompts = (await client.list_prompts()).prompts
    assert [prompt.name for prompt in prompts] == ["ingress_404"]
    prompt = await client.get_prompt("ingress_404", {"url": URL})
    assert URL in prompt.messages[0].content.text
    resources = (await client.list_resources()).resources
    for resource in resources:
        contents = (await client.read_resource(str(resource.uri))).contents
        assert contents[0].text, resource.uri
    templates = (await client.list_resource_templates()).resource_templates
    assert [template.uri_template for template in templates] == ["k8s://{namespace}/ingress/{name}"]
    return driver.seen


async def over_stdio(binary, mode):
    server = StdioServerParameters(command=binary, args=["serve", "--demo"])
    async with Client(server, mode=mode) as client:
        return await everything(client)


async def over_http(binary, mode):
    server = await asyncio.create_subprocess_exec(
        binary, "serve", "--demo", "--http", "127.0.0.1:0", stderr=asyncio.subprocess.PIPE
    )
    try:
        address = None
        while address is None:
            line = (await asyncio.wait_for(server.stderr.readline(), 30)).decode()
            assert line, "the server did not start"
            found = re.search(r"address=(\S+)", line)
            address = found and found.group(1)
        drain = asyncio.create_task(server.stderr.read())
        async with Client(f"http://{address}/mcp", mode=mode) as client:
            seen = await everything(client)
        server.terminate()
        assert await asyncio.wait_for(server.wait(), 10) == 0, "SIGTERM ends the server cleanly"
        await drain
        return seen
    finally:
        if server.returncode is None:
            server.kill()


async def main(binary):
    for name, drive in [("stdio", over_stdio), ("http", over_http)]:
        for mode in MODES:
            seen = await drive(binary, mode)
            print(f"python {name} {mode}: ok, {len(seen)} calls of {len(set(seen))} tools")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
