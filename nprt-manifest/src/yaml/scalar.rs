//! What a scalar means: the rules of go-yaml 2 and sigs.k8s.io/yaml, which kubectl reads with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Number, Value};

const CORE: &str = "tag:yaml.org,2002:";
const TRUE: &[&str] = &["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"];
const FALSE: &[&str] = &["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"];
const NULL: &[&str] = &["", "~", "null", "Null", "NULL"];
const NOT_FINITE: &[&str] =
    &[".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF"];
const OF_ITS_TAG: &str =
    "the value does not match its tag: remove the tag, and quote the value if you mean a string";

/// The value of a plain scalar: no quotes, no tag.
///
/// # Errors
/// For a number that JSON does not have.
pub(super) fn plain(text: &str) -> Result<Value, &'static str> {
    if NULL.contains(&text) {
        return Ok(Value::Null);
    }
    if TRUE.contains(&text) || FALSE.contains(&text) {
        return Ok(TRUE.contains(&text).into());
    }
    if NOT_FINITE.contains(&text) {
        return Err(
            "JSON has no infinity and no NaN, so Kubernetes cannot store this number: quote it if you mean a string",
        );
    }
    Ok(number(text).map_or_else(|| text.into(), Value::Number))
}

/// The value of a scalar with a tag, given in full (`tag:yaml.org,2002:int`). Quotes make no difference.
///
/// # Errors
/// Where the value is not of the tag.
pub(super) fn tagged(tag: &str, text: &str) -> Result<Value, &'static str> {
    let Some(name) = tag.strip_prefix(CORE) else { return Ok(text.into()) };
    let value = match name {
        "str" => return Ok(text.into()),
        "binary" => return binary(text),
        "timestamp" => return Err("remove the tag !!timestamp: a date is a string in Kubernetes"),
        "bool" | "int" | "float" | "null" => plain(text)?,
        _ => return Ok(text.into()),
    };
    match (name, &value) {
        ("bool", Value::Bool(_)) | ("null", Value::Null) => Ok(value),
        ("float", Value::Number(number)) if number.is_f64() || number.is_i64() => Ok(number.as_f64().into()),
        ("int", Value::Number(number)) if !number.is_f64() => Ok(value),
        _ => Err(OF_ITS_TAG),
    }
}

fn binary(text: &str) -> Result<Value, &'static str> {
    let digits: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let bytes = STANDARD.decode(digits).map_err(|_| "the value of !!binary is not base64")?;
    let text = String::from_utf8(bytes);
    text.map(Value::from)
        .map_err(|_| "!!binary decodes to bytes that are not UTF-8: remove the tag and keep the base64")
}

/// The key that `value` is in a JSON object.
///
/// # Errors
/// For a value that cannot be a key.
pub(super) fn key(value: &Value) -> Result<String, &'static str> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Ok(integer.to_string()),
            (None, Some(float)) if number.is_f64() => Ok(float_key(float)),
            _ => Err("this key is a number beyond 64 bits: quote it"),
        },
        Value::Null => Err("a key cannot be null or empty: quote it"),
        Value::Array(_) | Value::Object(_) => Err("a list or a map cannot be a key: write a string"),
    }
}

/// As Go's `FormatFloat(_, 'g', -1, 32)` writes it.
#[expect(clippy::cast_possible_truncation, reason = "kubectl does so")]
fn float_key(float: f64) -> String {
    let float = float as f32;
    if float.is_infinite() {
        return if float > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{float:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if float != 0.0 && !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => format!("{float}"),
    }
}

fn number(text: &str) -> Option<Number> {
    match text.as_bytes().first()? {
        b'.' => fraction(text),
        b'0'..=b'9' | b'+' | b'-' => {
            let digits = text.replace('_', "");
            integer(&digits).or_else(|| float(&digits)).or_else(|| binary_digits(&digits))
        }
        _ => None,
    }
}

/// Go's `ParseInt` and `ParseUint` with base 0.
fn integer(text: &str) -> Option<Number> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let radix =
        |prefix: [char; 2]| unsigned.strip_prefix('0')?.strip_prefix(prefix).filter(|rest| !rest.is_empty());
    let magnitude = if let Some(digits) = radix(['x', 'X']) {
        magnitude(digits, 16)
    } else if let Some(digits) = radix(['o', 'O']) {
        magnitude(digits, 8)
    } else if let Some(digits) = radix(['b', 'B']) {
        magnitude(digits, 2)
    } else if let Some(digits) = unsigned.strip_prefix('0').filter(|digits| !digits.is_empty()) {
        magnitude(digits, 8)
    } else {
        magnitude(unsigned, 10)
    }?;
    if negative {
        return 0_i64.checked_sub_unsigned(magnitude).map(Number::from);
    }
    i64::try_from(magnitude)
        .map_or_else(|_| (!text.starts_with('+')).then(|| magnitude.into()), |integer| Some(integer.into()))
}

/// Digits alone: the library would take a sign before them.
fn magnitude(digits: &str, radix: u32) -> Option<u64> {
    let unsigned = digits.chars().all(|c| c.is_digit(radix));
    unsigned.then(|| u64::from_str_radix(digits, radix).ok())?
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`. One that overflows is a string, such as the
/// short commit `123e456`.
fn float(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let some = !whole.is_empty() || !part.is_empty();
    (exponent && some && digits(whole) && digits(part)).then(|| Number::from_f64(text.parse().ok()?))?
}

/// A number that begins with its point: here Go allows `_` between digits.
fn fraction(text: &str) -> Option<Number> {
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let between = |at: usize| digit(at.checked_sub(1)) && digit(at.checked_add(1));
    let fine = bytes.iter().enumerate().all(|(at, &byte)| byte != b'_' || between(at));
    if fine { float(&text.replace('_', "")) } else { None }
}

/// What go-yaml tries last: a sign after `0b`.
fn binary_digits(text: &str) -> Option<Number> {
    let signed = |text: &str| {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        (unsigned.starts_with(['0', '1'])).then(|| i64::from_str_radix(text, 2).ok())?.map(Number::from)
    };
    signed(text.strip_prefix("0b")?)
}
