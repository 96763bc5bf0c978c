"""c2l's own API, ``/api/v1``: everything that c2l can do, as data."""

from fastapi import APIRouter

from c2l.web.api import embeddings, live, recipes, routes
from c2l.web.api.jobs import routes as jobs

router = APIRouter()
for _part in (recipes, routes, jobs, live):
    router.include_router(_part.router, prefix="/api/v1", tags=["c2l"])
router.include_router(embeddings.router, prefix="/v1")

__all__ = ["router"]
