"""An answer in a process of its own: the check stays here, and the answer's results come over as plain data.

So an answer cannot change the check, end the program that grades, or run for ever. This is no sandbox: the answer's
process may read, write and send whatever its user may.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import warnings
from multiprocessing.connection import Connection
from typing import NamedTuple

from maca_edu.course.verdict import Guarded, Mistake, NotAttempted, Verdict, describe, guarded

MOST_BYTES = 50_000_000  # of one reply
PLAIN = {  # what a reply may hold beside numbers, texts, lists, tuples and dicts
    "builtins": {"set", "frozenset", "complex", "int", "float", "list"},
    "numpy": {"ndarray", "dtype"},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "numpy.core.multiarray": {"_reconstruct", "scalar"},
}


class Reply(NamedTuple):
    """What the answer's process says: kind is "function", "value", "call", "mistake" or "not attempted"."""

    kind: str
    content: object = None


class Function(NamedTuple):
    """Stands for the argument of this place, a function, which stays on the side of the check."""

    place: int


# ---------------------------------------------------------------------------------------------------------------------
# On the side of the check


def judge(check, setup: dict, statements: list[str], name: str, seconds: float) -> Verdict:
    """What `check` says of the thing called `name` that the statements make, in a process that is killed in the end.

    setup: the names that the statements may use. seconds: the limit for the whole check. A statement that fails counts
    only where `name` is missing afterwards.
    """
    here, there = multiprocessing.Pipe()
    work = (there, setup, statements, name, check.without)
    process = multiprocessing.get_context("fork").Process(target=serve, args=work, daemon=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # about threads, of which the libraries have some
        process.start()
    there.close()
    late = threading.Event()
    timer = threading.Timer(seconds, lambda: (late.set(), kill(process)))
    timer.start()

    def candidate(*args):
        with told_plainly(late, seconds):
            return ask(here, args)

    try:
        with told_plainly(late, seconds):
            first = read(here.recv_bytes(MOST_BYTES))
            answer = Guarded(candidate) if first.kind == "function" else content_of(first)
        return check(answer)
    except NotAttempted:
        return check(None)
    except Mistake as mistake:
        return Verdict("try again", str(mistake))
    finally:
        timer.cancel()
        timer.join()
        kill(process)
        process.join()
        here.close()


def ask(pipe: Connection, args):
    """The answer's value for these arguments. Functions among them are called here, as often as the answer asks."""
    pipe.send([Function(place) if callable(arg) else arg for place, arg in enumerate(args)])
    while True:
        reply = read(pipe.recv_bytes(MOST_BYTES))
        if reply.kind != "call":
            return content_of(reply)
        place, given, named = reply.content
        try:
            pipe.send((args[place](*given, **named), ""))
        except Exception as error:
            pipe.send((None, describe(error)))


@contextlib.contextmanager
def told_plainly(late: threading.Event, seconds: float):
    """Make a Mistake of whatever goes wrong between the two processes."""
    try:
        yield
    except (Mistake, NotAttempted):
        raise
    except (EOFError, ConnectionError):
        why = f"took more than {seconds:g} seconds" if late.is_set() else "ended Python"
        raise Mistake(f"Your answer {why}.") from None
    except Exception:
        raise Mistake("Your answer gave something other than numbers, texts, arrays and collections.") from None


def content_of(reply: Reply):
    """The value in a reply. Raises Mistake or NotAttempted where it is not one."""
    if reply.kind == "not attempted":
        raise NotAttempted
    if reply.kind == "mistake":
        raise Mistake(str(reply.content))
    return reply.content


class PlainReader(pickle.Unpickler):
    """Reads plain data only: nothing that is read can make anything run."""

    def find_class(self, module: str, name: str):
        """The class or function of this name. Raises ValueError unless it is in `PLAIN`."""
        if name not in PLAIN.get(module, ()):
            raise ValueError(f"{module}.{name} is not plain data")
        return super().find_class(module, name)


def read(message: bytes) -> Reply:
    """The reply in a message. Raises ValueError, or what pickle raises, where it is not one."""
    kind, content = PlainReader(io.BytesIO(message)).load()
    return Reply(kind, content)


def kill(process) -> None:
    """End a process and whatever it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()


# ---------------------------------------------------------------------------------------------------------------------
# On the side of the answer


def serve(pipe: Connection, setup: dict, statements: list[str], name: str, without: str) -> None:
    """Run the statements, then answer calls of the thing called `name` until this process is killed."""
    os.setsid()  # a group of its own, to be ended as a whole
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115  (open as long as the process lives)
    for stream in (1, 2):
        os.dup2(sys.stdout.fileno(), stream)
    answer = None

    def start() -> Reply:
        nonlocal answer
        answer = made_by(statements, dict(setup), name, without)
        return Reply("function") if callable(answer) else Reply("value", answer)

    send(pipe, start)
    while True:
        args = [asking(pipe, arg) if isinstance(arg, Function) else arg for arg in pipe.recv()]
        send(pipe, lambda: Reply("value", answer(*args)))  # noqa: B023  (called at once)


def made_by(statements: list[str], names: dict, name: str, without: str):
    """The thing called `name` that the statements make, guarded. Raises Mistake or NotAttempted where there is none."""
    names.pop(name, None)
    failed = ""
    for statement in statements:
        try:
            exec(compile(statement, "<answer>", "exec"), names)
        except Exception as error:
            failed = failed or describe(error)
    if name not in names:
        raise Mistake(f"There is no `{name}`: {failed or 'no cell makes it'}.")
    return guarded(names[name], without)


def asking(pipe: Connection, function: Function):
    """A function that has the other side call the one it stands for. Raises RuntimeError where that one fails."""

    def call(*args, **named):
        send(pipe, lambda: Reply("call", (function.place, args, named)))
        value, failed = pipe.recv()
        if failed:
            raise RuntimeError(failed)
        return value

    return call


def send(pipe: Connection, work) -> None:
    """Send the Reply that `work` returns, or what went wrong instead."""
    try:
        message = pickle.dumps(tuple(work()), protocol=4)
    except NotAttempted:
        message = pickle.dumps(("not attempted", None))
    except Mistake as mistake:
        message = pickle.dumps(("mistake", str(mistake)))
    except Exception as error:
        message = pickle.dumps(("mistake", f"Your answer raised {describe(error)}."))
    pipe.send_bytes(message)
