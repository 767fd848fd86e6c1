"""POST /v1/load_lora_adapter, /v1/unload_lora_adapter: adapters come and go while the server answers, by the routes that vLLM has for it.

    {"lora_name": "poet", "lora_path": "runs/poet/model"}      from now on model "poet"
    {"lora_name": "poet"}                                      no longer; refused while answers are written under it

Whoever may ask could name any folder of the server's machine, so both are refused unless the server was started with --adapter-loading.
https://docs.vllm.ai/en/latest/features/lora.html
"""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from groundup.serving.api.body import Fields
from groundup.serving.api.errors import ApiError, bad
from groundup.serving.api.service import Caller, Service
from groundup.serving.api.streams import JsonResponse

Name = Annotated[str, Field(pattern=r"^[\w.-]{1,64}$")]


class LoadFields(Fields):
    """A name and a folder."""

    lora_name: Name
    lora_path: Annotated[str, Field(min_length=1, max_length=4096)]
    base_model_name: str | None = None  # None: the first model


class UnloadFields(Fields):
    """A name."""

    lora_name: Name


def _allowed(service: Service) -> None:
    if not service.adapter_loading:
        raise ApiError(
            403, "this server's adapters are those it was started with; start it with --adapter-loading to change them here"
        )


async def load(service: Service, fields: LoadFields, caller: Caller) -> Any:
    """Offer one more adapter."""
    _allowed(service)
    if not Path(fields.lora_path).is_dir():
        raise bad("lora_path is no folder on the server's machine; name the folder that holds adapter_config.json", "lora_path")
    await service.models.add_adapter(fields.base_model_name, fields.lora_name, Path(fields.lora_path))
    return JsonResponse({"id": fields.lora_name, "object": "model", "loaded": True})


async def unload(service: Service, fields: UnloadFields, caller: Caller) -> Any:
    """Offer an adapter no longer."""
    _allowed(service)
    await service.models.remove_adapter(fields.lora_name)
    return JsonResponse({"id": fields.lora_name, "object": "model", "loaded": False})
