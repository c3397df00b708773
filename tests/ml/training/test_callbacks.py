"""Callbacks go on where a run stopped."""

import lightning
from lightning.pytorch.trainer.call import _call_callbacks_load_state_dict

from ml.training.callbacks import EarlyStopping


def test_early_stopping_goes_on_from_a_checkpoint_of_its_earlier_name() -> None:
    stopping = EarlyStopping(patience=5)
    trainer = lightning.Trainer(accelerator="cpu", callbacks=[stopping], logger=False, enable_checkpointing=False)
    checkpoint = {"pytorch-lightning_version": "2.0.0", "callbacks": {"EarlyEnd": {"best": 0.4, "waited": 3}}}
    _call_callbacks_load_state_dict(trainer, checkpoint)
    assert (stopping.best, stopping.waited) == (0.4, 3)
