"""Games that are stepped one at a time, made into one environment: in this process, or in several worker processes.

An adapter writes a `Single`, one copy of its game; `Vector` makes a `TeamEnv` of B of them. It begins the next episode
where one ended, keeps what the agents saw last, and gives each episode of each copy a seed of its own.

single         what one copy of a game must offer: Single, SingleStep; Broken, Limits
vector         the environment of many copies: Vector
shared_arrays  the memory in which seeds, actions and results are exchanged
commands       what a host of copies is told to do, and what it answers
copies         the copies at work, in whichever process they are
hosts          who holds copies: the interface, and the host in this process
worker_host    the host in a process of its own, as this process sees it: start, time limits, kill
worker_main    what runs in that process, and how it ends

What may go wrong, and what happens then:

* A copy raises an exception. It reaches the caller as a RuntimeError with the message and the copy's traceback. From
  copies in this process a ValueError reaches the caller as it is: it says which option or which game is wrong.
* A worker process dies or does not answer in time, or a copy raises `Broken`. The process and all programs that it
  started are killed and it is started anew. Its episodes that had not ended by themselves are given up: such an episode
  counts as truncated, with info["discarded"] = 1. What was played before is true and may be learned from, so the
  episode ends as if the clock had cut it, bootstrapped from the last view that is known. If the step itself was lost,
  its reward is 0 and its final view is the one before it. Returns and wins of discarded episodes mean nothing: leave
  them out of statistics.
* The calling process ends, is killed or is interrupted. Nothing is left: each worker process leads a process group of
  its own, ignores Ctrl-C, and kills its group when the calling process is gone.

With worker processes, `make_single` is sent to new Python processes: it must be importable (a function of a module, or
functools.partial of one), and a script that uses them begins with `if __name__ == "__main__":`. The calling process
must not be a daemon of multiprocessing's, since those may start no processes. Process groups and signals are those of
Linux and macOS.
"""

from maca_edu.envs.workers.single import Broken, Limits, Single, SingleStep
from maca_edu.envs.workers.vector import Vector

__all__ = ["Broken", "Limits", "Single", "SingleStep", "Vector"]
