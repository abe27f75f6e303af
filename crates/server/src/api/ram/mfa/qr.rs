//! What an authenticator reads off a screen: a text as a QR code, as a PNG.

use png::{BitDepth, ColorType, Encoder};
use qrcode::{Color, EcLevel, QrCode};
use yaoku_wire::error::Code;
use zeroize::Zeroizing;

use crate::error::ApiError;

/// Pixels of a module's side: enough for a camera, small enough for an answer. Our choice.
const SCALE: usize = 4;

/// Modules of white around it. Source: ISO/IEC 18004.
const QUIET: usize = 4;

/// Draws it: one bit a pixel, white where nothing is.
pub(super) fn png(text: &str) -> Result<Zeroizing<Vec<u8>>, ApiError> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M);
    let code = code.map_err(|error| ApiError::caused(Code::InternalFailure, error))?;
    let side = (code.width() + 2 * QUIET) * SCALE;
    let pixels_a_side = u32::try_from(side).unwrap_or(u32::MAX);
    let mut out = Zeroizing::new(Vec::with_capacity(4096));
    let mut encoder = Encoder::new(&mut *out, pixels_a_side, pixels_a_side);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::One);
    let written = encoder.write_header().and_then(|mut it| {
        it.write_image_data(&pixels(&code, side))?;
        it.finish()
    });
    written.map_err(|error| ApiError::caused(Code::InternalFailure, error))?;
    Ok(out)
}

/// Eight pixels a byte, the first in the highest bit; each row begins a byte.
fn pixels(code: &QrCode, side: usize) -> Zeroizing<Vec<u8>> {
    let row_len = side.div_ceil(8);
    let mut rows = Zeroizing::new(vec![0xff; row_len * side]);
    for y in 0..side {
        for x in (0..side).filter(|x| is_dark(code, x / SCALE, y / SCALE)) {
            rows[y * row_len + x / 8] &= !(0x80 >> (x % 8));
        }
    }
    rows
}

/// Counted from the corner of the white.
fn is_dark(code: &QrCode, x: usize, y: usize) -> bool {
    let inside = |it: usize| it.checked_sub(QUIET).filter(|it| *it < code.width());
    let at = inside(x).zip(inside(y));
    at.is_some_and(|at| code[at] == Color::Dark)
}

#[cfg(test)]
mod tests {
    use png::Decoder;

    use super::{QUIET, SCALE, png};

    #[test]
    fn the_picture_has_the_code_in_white() {
        let drawn = png("otpauth://totp/Yaoku:phone@1?secret=AAAA&issuer=Yaoku").unwrap();
        let mut reader = Decoder::new(std::io::Cursor::new(&*drawn)).read_info().unwrap();
        let mut rows = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut rows).unwrap();
        let side = usize::try_from(info.width).unwrap();
        assert_eq!(info.width, info.height);
        assert_eq!(side % SCALE, 0);
        let dark = |x: usize, y: usize| rows[y * info.line_size + x / 8] & (0x80 >> (x % 8)) == 0;
        let first = QUIET * SCALE;
        assert!(!dark(first - 1, first - 1), "white around it");
        // The finder pattern in the corner: seven modules, then one of white.
        assert!((0..7 * SCALE).all(|it| dark(first + it, first)));
        assert!(!dark(first + 7 * SCALE, first));
    }
}
