"""The cost of one run of a config."""
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from ..files import write_text


@dataclass(frozen=True)
class Cost:
    """The cost of one run of a config.

    Args:
        step: seconds per training step.
        steps: training steps per epoch, by one process.
        epochs: epochs per run.
        val_step: seconds per validation step.
        val_steps: steps per validation, by one process.
        validations: validations per run.
        checkpoint: bytes of one checkpoint, with the state of the optimizer.
        memory: peak memory in GiB that training takes on a GPU, 0 on a CPU.
    """
    step: float
    steps: int
    epochs: int
    val_step: float
    val_steps: int
    validations: int
    checkpoint: int
    memory: float

    def seconds(self, processes: int = 1) -> float:
        """Return the time of a run whose steps are divided among ``processes``, if communication
        between them takes no time."""
        return (self.step * math.ceil(self.steps / processes) * self.epochs
                + self.val_step * math.ceil(self.val_steps / processes) * self.validations)

    @classmethod
    def read(cls, path: Path) -> 'Cost':
        """Read what :meth:`write` has written."""
        return cls(**json.loads(path.read_text(encoding='utf-8')))

    def write(self, path: Path) -> None:
        """Write the cost to ``path`` as JSON, whole or not at all."""
        write_text(path, json.dumps(asdict(self), indent=1))
