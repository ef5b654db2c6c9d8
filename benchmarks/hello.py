"""The limit: the service's own server, with its settings, and an application that reads the body and says hello."""

import asyncio
import socket
import sys

import uvloop

from mlops_assets.rooms.serve.body import Receive
from mlops_assets.rooms.serve.reply import Send, reply
from mlops_assets.rooms.serve.service import Scope
from mlops_assets.rooms.serve.worker import server_of


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer anything."""
    del scope
    await receive()
    await reply(send, b'{"hello":"world"}')


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server_of(hello).serve(sockets=[socket.socket(fileno=int(sys.argv[1]))]))
