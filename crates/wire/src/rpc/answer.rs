//! Answers: what the operation gave, or why it was refused. Source: identity.md §1.7.

use super::{json, read::Format, xml};
use crate::{
    error::{Code, Refusal},
    fields::Fields,
};

/// Fails unless `format` carries these fields. Ask before anything is kept of the call that answers them.
///
/// Fails only for XML, with `InvalidParameter.Format`, if a value holds a character that XML 1.0
/// cannot: a secret that arrives altered is worse than one that does not arrive. Our choice.
pub fn must_be_carried(format: Format, fields: &Fields) -> Result<(), Refusal> {
    match format {
        Format::Xml if !xml::carries(fields) => Err(Refusal::from(Code::InvalidFormat)
            .with_message(
                "The answer holds characters that XML cannot carry. Ask for Format=JSON.",
            )),
        Format::Json | Format::Xml => Ok(()),
    }
}

/// Writes the answer of a call that was served. `request_id` is an upper-case UUID.
///
/// Fails as [`must_be_carried`] does.
pub fn encode_success(
    format: Format,
    action: &str,
    fields: &Fields,
    request_id: &str,
) -> Result<Vec<u8>, Refusal> {
    must_be_carried(format, fields)?;
    Ok(match format {
        Format::Json => json::success(fields, request_id),
        Format::Xml => xml::success(action, fields, request_id),
    })
}

/// Writes the answer of a call that was refused: HTTP status, content type and body.
///
/// Never fails: in XML, characters that it cannot carry are replaced.
#[must_use]
pub fn encode_error(
    format: Format,
    refusal: &Refusal,
    request_id: &str,
    host_id: &str,
) -> (u16, &'static str, Vec<u8>) {
    let code = refusal.code();
    let fields = Fields::default()
        .text("RequestId", request_id)
        .text("HostId", host_id)
        .text("Code", code.wire())
        .text("Message", refusal.message())
        .text("Recommend", format!("https://api.aliyun.com/troubleshoot?q={}", code.wire()))
        .number("HttpStatus", code.status().into());
    let fields = match refusal.detail() {
        Some(detail) => fields.object("AccessDeniedDetail", detail.clone()),
        None => fields,
    };
    let body = match format {
        Format::Json => json::object(&fields),
        Format::Xml => xml::error(&fields),
    };
    (code.status(), format.content_type(), body)
}
