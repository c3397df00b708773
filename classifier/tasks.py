"""What workers do: load by id, call a service."""

from classifier.models import Status
from classifier.services import predictions
from skinsite.tasks import task


@task
def run_prediction(prediction_id: int) -> None:
    """Read a photograph; while another worker holds it, come back when that one's lease ends."""
    prediction = predictions.run_prediction(prediction_id=prediction_id)
    if prediction.status == Status.RUNNING:
        run_prediction.apply_async(args=[prediction_id], eta=predictions.lease_end(prediction))


@task
def process_queue() -> None:
    """Submit what waits."""
    predictions.process_queue()
