"""Every task, by its name in pack.toml. A new one is its module, its row, and a line here."""

from __future__ import annotations

from haversack.engine.tasks.classify import ClassifyTask
from haversack.engine.tasks.detect import DetectTask
from haversack.engine.tasks.label_map import LabelMapTask
from haversack.engine.tasks.task import SurveyTask, Task
from haversack.engine.tasks.tensor import TensorTask
from haversack.errors import EngineError
from haversack.packfile.manifest import Manifest

TASKS: dict[str, type[Task]] = {
    task.name: task for task in (DetectTask, LabelMapTask, ClassifyTask, TensorTask)
}


def survey_task(name: str) -> SurveyTask:
    """How a survey merges answers of that task.

    Raises:
        EngineError: `survey-pack-unfit`.
    """
    survey = TASKS[name].survey if name in TASKS else None
    if survey is None:
        raise EngineError("survey-pack-unfit", "a survey needs a pack that detects")
    return survey


def task_of(manifest: Manifest) -> Task:
    """The task of that pack."""
    return TASKS[manifest.task](manifest)
