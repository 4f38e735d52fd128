//! The one spelling of numbers and strings that C and Python read alike (opcodes.py).

const DIGITS: usize = 4300; // what int() reads without a refusal from Python 3.11 on
const INDEX_DIGITS: usize = 19;

/// What the argument of INT stands for.
pub enum Int {
    Bool,
    Number { small: bool },
}

fn is_decimal(digits: &[u8]) -> bool {
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// A decimal number: an optional minus, no leading zero; `-0` only where it is allowed.
fn is_number(line: &[u8], minus_zero: bool) -> bool {
    let (digits, minus) = line.strip_prefix(b"-").map_or((line, false), |rest| (rest, true));
    is_decimal(digits) && (digits[0] != b'0' || (digits.len() == 1 && (minus_zero || !minus)))
}

fn is_small(line: &[u8]) -> bool {
    str::from_utf8(line).is_ok_and(|text| text.parse::<i64>().is_ok())
}

/// Reads the argument of INT.
pub fn read_int(line: &[u8]) -> Result<Int, &'static str> {
    if line == b"00" || line == b"01" {
        return Ok(Int::Bool);
    }
    if !is_number(line, false) || line.len() > DIGITS {
        return Err("INT holds a number that C and Python do not read alike");
    }
    Ok(Int::Number { small: is_small(line) })
}

/// Reads the argument of LONG: whether it fits into 64 bits.
pub fn read_long(line: &[u8]) -> Result<bool, &'static str> {
    let digits = line.strip_suffix(b"L").unwrap_or(line);
    if !is_number(digits, true) || line.len() > DIGITS {
        return Err("LONG holds a number that C and Python do not read alike");
    }
    Ok(is_small(digits))
}

/// Checks the argument of FLOAT.
pub fn check_float(line: &[u8]) -> Result<(), &'static str> {
    let body = line.strip_prefix(b"-").unwrap_or(line);
    if body == b"inf" || body == b"nan" {
        return Ok(());
    }
    let finite = is_float(body) && str::from_utf8(body).is_ok_and(|text| text.parse().is_ok_and(f64::is_finite));
    if finite { Ok(()) } else { Err("FLOAT holds a number that C and Python do not read alike") }
}

fn is_float(body: &[u8]) -> bool {
    let (mantissa, exponent) = match body.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&body[..at], Some(&body[at + 1..])),
        None => (body, None),
    };
    let (whole, fraction) = match mantissa.iter().position(|&byte| byte == b'.') {
        Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
        None => (mantissa, &[][..]),
    };
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    let power = |part: &[u8]| is_decimal(part.strip_prefix(b"-").or_else(|| part.strip_prefix(b"+")).unwrap_or(part));
    digits(whole) && digits(fraction) && (!whole.is_empty() || !fraction.is_empty()) && exponent.is_none_or(power)
}

/// Reads the memo index of GET and PUT.
pub fn read_index(line: &[u8]) -> Result<u64, &'static str> {
    if is_decimal(line) && (line[0] != b'0' || line.len() == 1) && line.len() <= INDEX_DIGITS {
        return Ok(line.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')));
    }
    Err("a memo index is a decimal number without sign, blanks or leading zeros")
}

/// Reads the argument of STRING: its bytes.
pub fn read_string(line: &[u8]) -> Result<Vec<u8>, &'static str> {
    let quoted = line.len() >= 2 && line[0] == line[line.len() - 1] && matches!(line[0], b'\'' | b'"');
    if !quoted {
        return Err("the argument of STRING is not quoted");
    }
    unescape(&line[1..line.len() - 1])
}

/// Resolves backslash escapes as `CPython`'s `escape_decode` does.
fn unescape(text: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(slash) = rest.iter().position(|&byte| byte == b'\\') {
        out.extend_from_slice(&rest[..slash]);
        let code = *rest.get(slash + 1).ok_or("STRING ends in a backslash")?;
        let mut used = 2;
        match code {
            b'\\' | b'\'' | b'"' => out.push(code),
            b'b' => out.push(0x08),
            b'f' => out.push(0x0c),
            b't' => out.push(b'\t'),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b'v' => out.push(0x0b),
            b'a' => out.push(0x07),
            b'\n' => {}
            b'0'..=b'7' => {
                let digits = rest[slash + 1..].iter().take(3).take_while(|digit| matches!(digit, b'0'..=b'7'));
                used = 1 + digits.clone().count();
                out.push(digits.fold(0u32, |value, digit| value * 8 + u32::from(digit - b'0')) as u8);
            }
            b'x' => {
                let digit = |at: usize| rest.get(slash + at).and_then(|&byte| char::from(byte).to_digit(16));
                let (Some(high), Some(low)) = (digit(2), digit(3)) else {
                    return Err("STRING holds a \\x escape without two hexadecimal digits");
                };
                out.push((high * 16 + low) as u8);
                used = 4;
            }
            _ => out.extend_from_slice(&rest[slash..slash + 2]),
        }
        rest = &rest[slash + used..];
    }
    out.extend_from_slice(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_spelling() {
        for good in ["0", "5", "-5", "10"] {
            assert!(read_int(good.as_bytes()).is_ok(), "{good}");
        }
        for bad in ["", "-", "-0", "+1", " 1", "010", "0x10", "1_0", "5\r", "000"] {
            assert!(read_int(bad.as_bytes()).is_err(), "{bad}");
        }
        assert_eq!(read_long(b"-0L"), Ok(true));
        assert_eq!(read_long(b"9223372036854775808L"), Ok(false));
        assert!(read_long(b"LL").is_err());
    }

    #[test]
    fn floats_are_decimal_and_finite_or_named() {
        for good in ["1.5", ".5", "5.", "1e5", "-1E-5", "inf", "-inf", "nan", "-nan"] {
            assert!(check_float(good.as_bytes()).is_ok(), "{good}");
        }
        for bad in ["", ".", "e5", "1e", "1_0.5", " 1", "1e999", "infinity", "+1", "0x1"] {
            assert!(check_float(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn strings_are_quoted_and_unescaped() {
        assert_eq!(read_string(br"'a\x41\101\q\n'"), Ok(b"aAA\\q\n".to_vec()));
        assert_eq!(read_string(br"'\400'"), Ok(vec![0]));
        for bad in [&b"a"[..], b"'a\"", b"'", br"'\x4'", br"'\'"] {
            assert!(read_string(bad).is_err(), "{bad:?}");
        }
    }
}
