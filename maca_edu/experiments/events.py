"""TensorBoard's files, written by this thread.

torch's SummaryWriter hands its rows to a thread and waits for that thread at the end, for ever where Ctrl-C came at the
wrong moment.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


class Events:
    """A new file of TensorBoard's in `folder`, complete after every row.

    first: the step at which it begins; what an interrupted run wrote from there on TensorBoard then hides, for those
    steps are taken again.
    """

    def __init__(self, folder: Path, first: int):
        folder.mkdir(parents=True, exist_ok=True)
        second, fraction = divmod(time.time_ns(), 10**9)  # TensorBoard reads the files of a run in their names' order
        name = f"events.out.tfevents.{second:010d}.{socket.gethostname()}.{os.getpid()}.{fraction:09d}"
        self.file = open(folder / name, "xb")  # noqa: SIM115  (`close` closes it)
        self.records = RecordWriter(self.file)
        self.write(file_version="brain.Event:2")
        self.write(step=first, session_log=SessionLog(status=SessionLog.START))

    def add(self, step: int, numbers: dict[str, float]) -> None:
        """Numbers by their names, after so many environment-steps."""
        values = [Summary.Value(tag=name, simple_value=number) for name, number in numbers.items()]
        self.write(step=step, summary=Summary(value=values))

    def write(self, **fields) -> None:
        """Write one of TensorBoard's events."""
        self.records.write(Event(wall_time=time.time(), **fields).SerializeToString())
        self.file.flush()

    def close(self) -> None:
        """Nothing more will come."""
        self.file.close()
