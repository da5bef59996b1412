"""What one rank does for the ranker: fit a DeepFM to each data set of backtested candidates."""

import keras
import numpy as np

from sparkrec.config.settings import DeepFMSettings
from sparkrec.lake import files
from sparkrec.models.deepfm import DeepFM
from sparkrec.training.loop import fit
from sparkrec.training.plan import DATASETS, WEIGHTS, FoldRecord, RankerData, TrainingPlan
from sparkrec.training.rank import make_optimizer, options_of, start_rank


def train_rank(plan_uri: str) -> None:
    """Train every fold of the plan; all ranks call this with the same plan.

    Args:
        plan_uri: Where the `TrainingPlan` lies as JSON.
    """
    plan = TrainingPlan.model_validate_json(files.read_bytes(plan_uri))
    data = RankerData.model_validate_json(files.read_bytes(f"{plan.shards}/{DATASETS}"))
    config = DeepFMSettings.model_validate(plan.config)
    ranks = start_rank(plan)
    for fold in plan.folds:
        folder = f"{plan.output}/{fold}"
        if ranks.decide(FoldRecord.find(folder) if ranks.rank == 0 else None):
            continue
        keras.backend.clear_session()
        keras.utils.set_random_seed(plan.seed)
        train, fields = data.datasets[fold], data.fields[fold]
        model = DeepFM(config, fields * data.buckets)
        model({"field_rows": np.zeros((2, fields), "int32")})
        optimizer, options = make_optimizer(config, plan, ranks), options_of(config, plan, config.epochs)
        record = fit(model, optimizer, ranks, plan.shards, train, None, fold, folder, options, ranks.say)
        if ranks.rank == 0:
            weights = {f"weight_{number}": weight for number, weight in enumerate(model.get_weights())}
            files.write_arrays(f"{folder}/{WEIGHTS}", weights)
            record.write(folder)
    ranks.stop()
