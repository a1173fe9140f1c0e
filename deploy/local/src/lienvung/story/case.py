"""The case that the story tells.

Who met, who signed and what they promised come from the article of Báo Hải Dương that the product starts from
(`SOURCE`). What the article does not say (a due date, a percentage, a signatory's name) is marked in the record itself
as demonstration data.
"""

from dataclasses import dataclass
from datetime import date

SOURCE = (
    "https://baohaiduong.vn/thuc-day-lien-ket-vung-giua-5-dia-phuong-cua-3-tinh-"
    "quang-ninh-hai-duong-bac-giang-360659.html"
)
DEMONSTRATION = (
    "Số liệu minh họa: thời hạn, tỷ lệ và họ tên không có trong bài báo. "
    "Demonstration data: the article gives no due date, percentage or name."
)
DEMONSTRATION_ROADS = (
    "Số liệu minh họa: bài báo không nêu tên tuyến, đoạn tuyến, tiến độ hay nguồn vốn. "
    "Demonstration data: the article names no road, segment, date or funding."
)
BEFORE_REFORM = date(2024, 10, 18)
AFTER_REFORM = date(2025, 7, 1)
# The medium-term public investment plan that the article names.
PLAN_PERIOD = "2021-2025"


@dataclass(frozen=True)
class Locality:
    """One of the five localities: its unit of 2024, the bodies that sign and act for it."""

    key: str
    unit_code: str
    province_code: str
    committee: str
    people: str
    in_charge: str


LOCALITIES = (
    Locality("dongtrieu", "205", "22", "Ban Thường vụ Thị ủy Đông Triều", "UBND thị xã Đông Triều", "Bí thư Thị ủy"),
    Locality(
        "chilinh",
        "290",
        "30",
        "Ban Thường vụ Thành ủy Chí Linh",
        "UBND thành phố Chí Linh",
        "Bí thư Thành ủy",
    ),
    Locality("kinhmon", "292", "30", "Ban Thường vụ Thị ủy Kinh Môn", "UBND thị xã Kinh Môn", "Bí thư Thị ủy"),
    Locality("sondong", "220", "24", "Ban Thường vụ Huyện ủy Sơn Động", "UBND huyện Sơn Động", "Bí thư Huyện ủy"),
    Locality("lucnam", "218", "24", "Ban Thường vụ Huyện ủy Lục Nam", "UBND huyện Lục Nam", "Bí thư Huyện ủy"),
)
PROVINCES = {
    "22": ("quangninh", "Ban Thường vụ Tỉnh ủy Quảng Ninh"),
    "24": ("bacgiang", "Ban Thường vụ Tỉnh ủy Bắc Giang"),
    "30": ("haiduong", "Ban Thường vụ Tỉnh ủy Hải Dương"),
}
CLAUSES = (
    (
        "Quy hoạch và đầu tư các tuyến giao thông kết nối",
        "Đưa các tuyến giao thông kết nối vào quy hoạch và kế hoạch đầu tư công trung hạn, ưu tiên bố trí nguồn lực.",
        "hạ tầng giao thông",
    ),
    (
        "Khu vực xâm canh, xâm cư",
        "Rà soát, giải quyết vướng mắc đối với người dân tại các khu vực xâm canh, xâm cư.",
        "địa giới hành chính",
    ),
    (
        "Hạ tầng cụm công nghiệp",
        "Phối hợp thu hút đầu tư hạ tầng cụm công nghiệp và các ngành công nghiệp có lợi thế.",
        "công nghiệp - cụm công nghiệp",
    ),
    (
        "Sản phẩm và du lịch",
        "Hợp tác quảng bá, tiêu thụ sản phẩm, thông tin du lịch.",
        "du lịch",
    ),
)
