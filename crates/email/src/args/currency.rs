//! Amounts of money as texts, for the data of a template.

/// Currencies without decimals (ISO 4217, list one, column "minor unit", as of 2026-01-01).
const WHOLE: [&str; 17] = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
    "VUV", "XAF", "XOF", "XPF",
];

/// Currencies with three decimals.
const THREE: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];

/// Currencies with four.
const FOUR: [&str; 2] = ["CLF", "UYW"];

/// An amount in minor units as a text: `1234.50 NOK`. Exact, and the same in every language: a point before the decimals, no
/// separator of thousands, the code of the currency behind it. `None` where the currency is not three letters.
///
/// The amount is in ISO 4217's minor units. A payment provider may count otherwise: Stripe has ISK and UGX in hundredths, and
/// MGA in whole.
///
/// ```
/// use longshore_email::{SendEmail, format_currency};
/// use serde_json::json;
///
/// let total = format_currency(123_450, "nok").expect("a currency");
/// assert_eq!(total, "1234.50 NOK");
/// let job = SendEmail::new("order_confirmation", "ada@example.com")
///     .data(json!({ "orderNumber": "A-1", "orderTotal": total }));
/// assert!(job.data.get().contains("1234.50 NOK"));
/// ```
#[must_use]
pub fn format_currency(minor_units: i64, currency: &str) -> Option<String> {
    if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_alphabetic()) {
        return None;
    }
    let currency = currency.to_ascii_uppercase();
    let code = currency.as_str();
    let decimals: u32 = match () {
        () if WHOLE.contains(&code) => 0,
        () if THREE.contains(&code) => 3,
        () if FOUR.contains(&code) => 4,
        () => 2,
    };
    let sign = if minor_units < 0 { "-" } else { "" };
    // The smallest i64 has no positive counterpart.
    let units = minor_units.unsigned_abs();
    let of_one = 10_u64.pow(decimals);
    let (whole, rest) = (units / of_one, units % of_one);
    Some(match decimals {
        0 => format!("{sign}{whole} {code}"),
        decimals => format!(
            "{sign}{whole}.{rest:0width$} {code}",
            width = decimals as usize
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        for (amount, currency, text) in [
            (123_450, "NOK", "1234.50 NOK"),
            (5, "usd", "0.05 USD"),
            (0, "EUR", "0.00 EUR"),
            (1_000, "JPY", "1000 JPY"),
            (1, "krw", "1 KRW"),
            (1_234, "KWD", "1.234 KWD"),
            (7, "bhd", "0.007 BHD"),
            (12_345, "CLF", "1.2345 CLF"),
            (-995, "NOK", "-9.95 NOK"),
            (-5, "KWD", "-0.005 KWD"),
            (i64::MAX, "NOK", "92233720368547758.07 NOK"),
            (i64::MIN, "JPY", "-9223372036854775808 JPY"),
        ] {
            let found = format_currency(amount, currency);
            assert_eq!(found.as_deref(), Some(text), "{amount} {currency}");
        }
        for currency in ["", "NO", "KRON", "N0K", "kr.", "nøk"] {
            assert_eq!(format_currency(1, currency), None, "{currency}");
        }
    }
}
