"""The limit: the same server with an application that reads the body and says hello."""

import socket
import sys
from typing import Any

import uvicorn

from mlops_assets.rooms.serve.body import Receive
from mlops_assets.rooms.serve.reply import Send, reply
from mlops_assets.rooms.serve.service import Scope


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer anything."""
    del scope
    await receive()
    await reply(send, b'{"hello":"world"}')


if __name__ == "__main__":
    quiet: dict[str, Any] = {"log_level": "warning", "access_log": False, "server_header": False, "date_header": False}
    kind: dict[str, Any] = {"interface": "asgi3", "http": "httptools", "loop": "uvloop", "ws": "none"}
    config = uvicorn.Config(hello, lifespan="off", **kind, **quiet)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])
