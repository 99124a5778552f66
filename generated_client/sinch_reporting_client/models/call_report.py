from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="CallReport")


@_attrs_define
class CallReport:
    success: int | Unset = UNSET
    """ How many calls succeeded. """
    duration: int | Unset = UNSET
    """ The length of all the report's calls together, in seconds. """
    failed: int | Unset = UNSET
    """ How many calls failed. """
    start: str | Unset = UNSET
    """ When the first call of the report took place. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        success = self.success

        duration = self.duration

        failed = self.failed

        start = self.start

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if success is not UNSET:
            field_dict["success"] = success
        if duration is not UNSET:
            field_dict["duration"] = duration
        if failed is not UNSET:
            field_dict["failed"] = failed
        if start is not UNSET:
            field_dict["start"] = start

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        success = d.pop("success", UNSET)

        duration = d.pop("duration", UNSET)

        failed = d.pop("failed", UNSET)

        start = d.pop("start", UNSET)

        call_report = cls(
            success=success,
            duration=duration,
            failed=failed,
            start=start,
        )

        call_report.additional_properties = d
        return call_report

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
