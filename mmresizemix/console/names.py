"""Names that are given on a command line."""
from pathlib import Path


def read_names(text: str) -> list[str]:
    """Return names that are separated by commas or, if ``text`` is the name of a file, its lines.

    Blanks around a name are dropped, and those inside it are kept, as in 'traffic light'.
    """
    if not text.strip():
        return []
    file = Path(text)
    lines = file.read_text(encoding='utf-8').splitlines() if file.is_file() else text.split(',')
    return [name for line in lines if (name := line.strip())]
