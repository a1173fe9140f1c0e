"""What can go wrong with a sign-in, a token, an account or a client."""

from typing import Any

from shared.problems import BadRequest, Conflict, FieldError, Unauthorized, Unprocessable


class InvalidCredentials(Unauthorized):
    """Wrong password, unknown name or deactivated account: the answer does not say which."""

    code = "invalid_credentials"
    title = {"vi": "Tên đăng nhập hoặc mật khẩu không đúng", "en": "Wrong username or password"}


class InvalidGrant(Unauthorized):
    """A refresh token that is unknown, used, ended or too old.

    RFC 6749 would answer 400; a caller has to sign in again, and 401 is what says so everywhere else in this API.
    """

    code = "invalid_grant"
    title = {"vi": "Phiên đăng nhập đã kết thúc", "en": "The session has ended"}

    def __init__(self) -> None:
        super().__init__(error="invalid_grant")


class InvalidClient(Unauthorized):
    """An unknown client, a wrong or lapsed secret, or a client that is not active (RFC 6749, 5.2)."""

    code = "invalid_client"
    title = {"vi": "Hệ thống kết nối không xác thực được", "en": "The client could not be authenticated"}

    def __init__(self) -> None:
        super().__init__(error="invalid_client")
        self.headers["WWW-Authenticate"] = 'Basic realm="lienvung"'


class _TokenRequest(BadRequest):
    """An error of RFC 6749, 5.2, under its own name in `error` for libraries that look there."""

    def __init__(self, **members: Any) -> None:
        super().__init__(error=self.code, **members)


class InvalidTokenRequest(_TokenRequest):
    code = "invalid_request"
    title = {"vi": "Yêu cầu cấp token không hợp lệ", "en": "The token request is not valid"}


class UnsupportedGrant(_TokenRequest):
    code = "unsupported_grant_type"
    title = {"vi": "Không hỗ trợ kiểu cấp quyền này", "en": "The grant type is not supported"}


class InvalidScope(_TokenRequest):
    code = "invalid_scope"
    title = {"vi": "Phạm vi truy cập không hợp lệ", "en": "The scope is not valid"}


class InvalidAccount(Unprocessable):
    code = "invalid_account"
    title = {"vi": "Thông tin tài khoản không hợp lệ", "en": "The account's data is not valid"}


class InvalidInvitation(Unprocessable):
    """Unknown, used, replaced, too old, or of a deactivated account: the answer does not say which."""

    code = "invalid_invitation"
    title = {"vi": "Lời mời không còn hiệu lực", "en": "The invitation is no longer good"}

    def __init__(self) -> None:
        again = {"vi": "Đề nghị quản trị đơn vị gửi lại lời mời.", "en": "Ask the administrator for a new one."}
        super().__init__(errors=[FieldError("/token", "invalid_invitation", again)])


class LastAdministrator(Conflict):
    """Nobody would be left who can administer the organisation."""

    code = "last_administrator"
    title = {
        "vi": "Đây là quản trị đơn vị cuối cùng",
        "en": "This is the last administrator of the organisation",
    }


class InvalidApiClient(Unprocessable):
    code = "invalid_client_data"
    title = {"vi": "Thông tin hệ thống kết nối không hợp lệ", "en": "The client's data is not valid"}
