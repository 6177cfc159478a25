"""Whoever leaves, cancels or is late takes nothing along: not a turn, nor memory in use."""

from __future__ import annotations

import base64
import random
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.loop.hostile import encoded
from tests.loop.packs import DETECTOR
from tests.loop.visits import Caller
from tests.loop.watching import Watched

PHOTO_BYTES = 16 << 20  # of bodies in memory, all that come at once together


def left(server: Watched, caller: Caller, seed: int) -> None:
    """A photo is sent, in part or whole, and its sender leaves before the answer."""
    draw = random.Random(seed)
    head = (
        f"POST /predict/{DETECTOR} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Cookie: {'; '.join(f'{k}={v}' for k, v in caller.client.cookies.items())}\r\n"
        f"X-CSRF-Token: {caller.client.headers['X-CSRF-Token']}\r\n"
        f"Content-Length: {len(caller.photo)}\r\n\r\n"
    ).encode()
    part = len(caller.photo) if draw.random() < 0.7 else draw.randrange(len(caller.photo))
    with socket.create_connection(server.address, timeout=30) as connection:
        connection.sendall(head + caller.photo[:part])
        time.sleep(draw.uniform(0, 0.1))
        if draw.random() < 0.5:
            # Not a word of goodbye: the connection is reset.
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


def late(caller: Caller, seed: int) -> None:
    """A request with a deadline of some microseconds or milliseconds of its own."""
    text = base64.b64encode(caller.photo).decode()
    tensor = {"name": "image", "shape": [1], "datatype": "BYTES", "data": [text]}
    patience = random.Random(seed).choice((1, 1000, 20_000))
    body = {"inputs": [tensor], "parameters": {"timeout": patience}}
    answer = caller.post(f"/v2/models/{DETECTOR}/infer", json=body)
    assert answer.status_code in (200, 429, 504), answer.text


def cancelled(caller: Caller, seed: int) -> None:
    """A job that is cancelled while it waits or runs."""
    answer = caller.post(f"/jobs/{DETECTOR}", content=caller.photo)
    time.sleep(random.Random(seed).uniform(0, 0.1))
    caller.client.delete(answer.headers["location"])


def leave(server: Watched, caller: Caller, count: int) -> None:
    with server.watch("leaving", body_bytes=PHOTO_BYTES) as reading, ThreadPoolExecutor(8) as pool:
        ways = [lambda seed: left(server, caller, seed), lambda seed: late(caller, seed)]
        ways.append(lambda seed: cancelled(caller, seed))
        asked = [pool.submit(ways[seed % len(ways)], seed) for seed in range(count)]
        for one in asked:
            one.result()
    assert not reading.faults(), "\n".join(reading.faults())
    assert reading.reserved_bytes > 0
    status = caller.get("/status").json()
    assert status["queue"]["in_house"] == 0
    assert all(model.get("users", 0) == 0 for model in status["models"])
    answer = caller.post(f"/predict/{DETECTOR}", content=encoded(size=(640, 480)))
    assert answer.status_code == 200, answer.text


def test_a_few_who_leave(server: Watched, caller: Caller) -> None:
    leave(server, caller, 9)


@pytest.mark.slow
def test_a_crowd_that_leaves(server: Watched, caller: Caller) -> None:
    leave(server, caller, 120)
