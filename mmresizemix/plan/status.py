"""The states of a stage, of its record and of its outcome: one vocabulary for all three."""
from enum import Enum


class Status(str, Enum):
    """The state of a stage, as people read it and as records keep it.

    A record is :attr:`STARTED`, :attr:`DONE` or :attr:`FAILED`. An outcome is :attr:`DONE`,
    :attr:`FAILED`, :attr:`STOPPED` or :attr:`NO_SPACE`. A stage is in any state but
    :attr:`STARTED` and :attr:`NO_SPACE`.
    """
    NEW = 'new'  # it never ran
    WAITING = 'waiting'  # a stage that it needs has not ended
    QUEUED = 'queued'  # a job of a cluster will run it
    RUNNING = 'running'
    STARTED = 'started'  # it ran, and nobody has noted its end
    STOPPED = 'stopped'  # it ended early, on request, and goes on at the next command
    NO_SPACE = 'no space'  # the disk was full
    STALE = 'stale'  # its result belongs to other inputs
    FAILED = 'failed'
    DONE = 'done'

    def __str__(self) -> str:
        return self.value


ENDED = (Status.DONE, Status.FAILED)
