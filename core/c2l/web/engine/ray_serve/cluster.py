"""Ray itself: joined or started, the replicas deployed on it, and all of it ended again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from c2l.web.engine.ray_serve.replica import Replica
from c2l.web.offer import Offer
from c2l.web.settings import Settings

if TYPE_CHECKING:
    from ray.serve.handle import DeploymentHandle

NAME = "c2l"

_STORE = 200_000_000
"""Bytes for pictures on their way from one process to another; Ray itself would take a third of
the memory."""

_FULL_BATCHES = 3
"""That a replica holds, waiting or drawn: with fewer, half of the batches are nearly empty."""

_HEALTH_SECONDS = 5.0
"""After which a replica that has gone is missed."""


def start_ray(settings: Settings) -> None:
    """Join the cluster that ``RAY_ADDRESS`` names, or else start one on this machine."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # before the import, or it reports home
    import ray
    from ray import serve

    if ray.is_initialized():
        pass
    elif os.environ.get("RAY_ADDRESS"):
        ray.init(namespace=NAME, logging_level="warning")
    else:
        assert settings.replicas is not None
        ray.init(
            namespace=NAME,
            num_cpus=max(os.cpu_count() or 1, settings.replicas.most),
            object_store_memory=_STORE,
            include_dashboard=False,
            logging_level="warning",
        )
    # Our own app stands in front: it answers in our shape, and no port of Ray Serve is open.
    serve.start(proxy_location="Disabled", logging_config={"log_level": "WARNING"})


def deploy(offer: Offer, settings: Settings) -> DeploymentHandle[Any]:
    """Start the replicas; returns once they draw.

    Raises:
        RuntimeError: they do not start.
    """
    import ray
    from ray import serve

    replicas, limits = settings.replicas, settings.limits
    assert replicas is not None
    on_gpus = settings.device != "cpu" and ray.cluster_resources().get("GPU", 0) > 0
    how: dict[str, Any] = {"num_replicas": replicas.least}
    if replicas.most > replicas.least:
        how = {
            "autoscaling_config": {
                "min_replicas": replicas.least,
                "max_replicas": replicas.most,
                "target_ongoing_requests": limits.batch,
            }
        }
    deployment: Any = serve.deployment(
        name="Replica",
        ray_actor_options={"num_cpus": 1, "num_gpus": 1 if on_gpus else 0},
        max_ongoing_requests=_FULL_BATCHES * limits.batch,
        max_queued_requests=limits.waiting,
        graceful_shutdown_timeout_s=limits.seconds,
        health_check_period_s=_HEALTH_SECONDS,
        **how,
    )(Replica)
    return serve.run(deployment.bind(offer, settings), name=NAME, route_prefix=None)


def num_running() -> int:
    """Replicas that draw at this moment."""
    from ray import serve

    application = serve.status().applications.get(NAME)
    if application is None:
        return 0
    return sum(d.replica_states.get("RUNNING", 0) for d in application.deployments.values())


def stop_ray() -> None:
    """Take the replicas away. A cluster that was here before stays."""
    import ray
    from ray import serve

    serve.delete(NAME)
    if not os.environ.get("RAY_ADDRESS"):
        serve.shutdown()
    ray.shutdown()
