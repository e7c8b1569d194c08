"""stub"""

from pathlib import Path


def template_folder() -> str:
    return str(Path(__file__).parent / "templates")
