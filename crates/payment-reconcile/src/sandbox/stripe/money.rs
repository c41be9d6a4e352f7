//! Amounts and currencies.

use super::params::Params;
use super::problem::Problem;

/// The largest amount, in minor units: eight digits.
const MAX_AMOUNT: u64 = 99_999_999;

/// The currencies that this stand-in takes: those of Europe and the large ones elsewhere, and all whose minor unit is
/// not a hundredth.
const CURRENCIES: &str = "aed ars aud bgn brl cad chf clp cny cop czk dkk egp eur gbp gel hkd huf idr ils inr isk \
    jpy krw mad mxn myr ngn nok nzd pen php pkr pln qar ron rsd sar sek sgd thb try twd uah usd vnd zar \
    bif djf gnf kmf mga pyg rwf ugx vuv xaf xof xpf \
    bhd jod kwd omr tnd";

/// Reads `amount`, in minor units, and `currency`, in lower case.
pub(super) fn read(params: &mut Params) -> Result<(u64, String), Problem> {
    let amount = params.required("amount")?;
    let amount = super::params::count("amount", &amount)?;
    let currency = params.required("currency")?;
    let most = match currency.as_str() {
        "idr" => 999_999_999_999,
        _ => MAX_AMOUNT,
    };
    if amount > most {
        let message = format!("Amount must be no more than {most}.");
        let code = Some("amount_too_large");
        return Err(Problem::invalid(code, message, "amount"));
    }
    if !CURRENCIES.split(' ').any(|known| known == currency) {
        let message = format!("Invalid currency: {currency}.");
        return Err(Problem::invalid(None, message, "currency"));
    }
    let step = match currency.as_str() {
        "bhd" | "jod" | "kwd" | "omr" | "tnd" => 10,
        // Have no minor unit any more, and are charged as if they had.
        "isk" | "ugx" => 100,
        _ => 1,
    };
    if !amount.is_multiple_of(step) {
        return Err(Problem::invalid(
            None,
            format!("Invalid amount: in {currency} it must be a multiple of {step}."),
            "amount",
        ));
    }
    Ok((amount, currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_currencies() {
        for (form, expected) in [
            ("amount=1&currency=nok", Ok((1, "nok"))),
            ("amount=99999999&currency=jpy", Ok((99_999_999, "jpy"))),
            ("amount=1230&currency=kwd", Ok((1230, "kwd"))),
            ("currency=nok", Err("amount")),
            ("amount=&currency=nok", Err("amount")),
            ("amount=0&currency=nok", Err("amount")),
            ("amount=-1&currency=nok", Err("amount")),
            ("amount=1.5&currency=nok", Err("amount")),
            ("amount=100000000&currency=nok", Err("amount")),
            ("amount=1234&currency=kwd", Err("amount")),
            ("amount=150&currency=isk", Err("amount")),
            ("amount=150&currency=ugx", Err("amount")),
            (
                "amount=999999999999&currency=idr",
                Ok((999_999_999_999, "idr")),
            ),
            ("amount=1000000000000&currency=idr", Err("amount")),
            ("amount=1", Err("currency")),
            ("amount=1&currency=NOK", Err("currency")),
            ("amount=1&currency=xyz", Err("currency")),
        ] {
            let read = read(&mut Params::read("", form.as_bytes()));
            let read = read.as_ref().map(|(amount, code)| (*amount, &**code));
            let read = read.map_err(|problem| problem.param.as_deref().unwrap_or_default());
            assert_eq!(read, expected, "{form}");
        }
    }
}
