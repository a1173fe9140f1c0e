"""What a text of a dossier must not hold, and what it may."""

import pytest

from agreements_api.boundary_cases.personal_data import PersonalData, find


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Hộ có số 001234567890", PersonalData.CITIZEN_ID),
        ("CCCD:022090001234.", PersonalData.CITIZEN_ID),
        ("022 090 001 234", PersonalData.CITIZEN_ID),
        ("0220-9000-1234", PersonalData.CITIZEN_ID),
        ("số 112233445566", PersonalData.CITIZEN_ID),
        ("022090\u200b001234", PersonalData.CITIZEN_ID),
        ("０２２０９０００１２３４", PersonalData.CITIZEN_ID),
        ("gọi 0912345678", PersonalData.PHONE),
        ("ĐT.0912345678", PersonalData.PHONE),
        ("0912 345 678", PersonalData.PHONE),
        ("0912.345.678", PersonalData.PHONE),
        ("(+84) 912 345 678", PersonalData.PHONE),
        ("+84912345678", PersonalData.PHONE),
        ("84912345678", PersonalData.PHONE),
        ("hộ 12 0912345678", PersonalData.PHONE),
        ("máy bàn 0203 3821 234", PersonalData.PHONE),
        ("02033821234", PersonalData.PHONE),
        ("a.b+c@xa.example.vn", PersonalData.EMAIL),
        ("thư: nguyen_van_a@example.com", PersonalData.EMAIL),
        ("ａ@example.vn", PersonalData.EMAIL),
    ],
)
def test_what_belongs_to_a_person_is_found(text: str, kind: PersonalData) -> None:
    assert find(text) is kind


@pytest.mark.parametrize(
    "text",
    [
        "12 hộ, 30 thửa, 45.000 m²",
        "Diện tích 1.050.000.000 m²",
        "Kinh phí 123.456.789.012 đồng",
        "Từ 01/07/2025 đến 14/12/2026",
        "Từ 01.07.2025 đến 14.12.2026, 03-05-2026",
        "2026-01-01 2026-12-31",
        "Kết luận số 352-KL/TUQN-TUBG-TUHD",
        "Nghị quyết 1676/NQ-UBTVQH15",
        "Mốc 0912 tại km 34+500",
        "0,912345678 ha",
        "tọa độ 21.0912345678",
        "giá 10@thửa",
        "",
    ],
)
def test_counts_dates_and_numbers_of_documents_are_no_persons(text: str) -> None:
    assert find(text) is None
