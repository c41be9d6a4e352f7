//! What amounts a currency can be paid in at Stripe: read from `currencies.txt`, which says where it is from.

use longshore_job::InvalidArgs;

/// The table, a currency a line.
const TABLE: &str = include_str!("currencies.txt");

/// The rule of a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rule {
    /// How many decimals an amount is written with.
    decimals: u32,
    /// Amounts are multiples of this.
    step: u64,
    /// The largest amount.
    most: u64,
}

/// The rule of every currency that the table does not name.
const USUAL: Rule = Rule {
    decimals: 2,
    step: 1,
    most: 99_999_999,
};

fn rule(currency: &str) -> Rule {
    let mut named = TABLE.lines().filter_map(read);
    let found = named.find(|(code, _)| *code == currency);
    found.map_or(USUAL, |(_, rule)| rule)
}

/// One line; `None` of a comment.
fn read(line: &str) -> Option<(&str, Rule)> {
    let mut fields = line.split(' ');
    let code = fields.next().filter(|code| !code.starts_with('#'))?;
    let mut number = || fields.next()?.parse::<u32>().ok();
    let (decimals, step, digits) = (number()?, number()?, number()?);
    let rule = Rule {
        decimals,
        step: step.into(),
        most: 10_u64.pow(digits) - 1,
    };
    Some((code, rule))
}

/// An amount in minor units, as the currency can be paid in.
pub(super) fn money(amount: u64, currency: &str) -> Result<(), InvalidArgs> {
    let Rule {
        decimals,
        step,
        most,
    } = rule(currency);
    let is_code = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_lowercase());
    InvalidArgs::all([
        InvalidArgs::unless(
            (1..=most).contains(&amount),
            "amount",
            format_args!("must be 1 to {most} in minor units: 1000 is 10.00 NOK, and 1000 JPY"),
        ),
        InvalidArgs::unless(
            is_code,
            "currency",
            "must be three lower-case letters of ISO 4217 such as nok",
        ),
    ])?;
    match amount.is_multiple_of(step) {
        true => Ok(()),
        false => Err(InvalidArgs::field(
            "amount",
            format_args!(
                "must be a multiple of {step} in {currency}, which is written with {decimals} decimals here"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        let lines: Vec<_> = TABLE
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect();
        let rules: Vec<_> = lines.iter().filter_map(|line| read(line)).collect();
        assert_eq!(rules.len(), lines.len());
        assert_eq!(rules.len(), 25);
        for (n, (code, _)) in rules.iter().enumerate() {
            assert!(
                !rules[..n].iter().any(|(earlier, _)| earlier == code),
                "{code} twice"
            );
        }
    }

    #[test]
    fn amounts_are_those_that_stripe_takes() {
        for (currency, good, bad) in [
            ("nok", &[1, 99_999_999][..], &[0, 100_000_000][..]),
            ("jpy", &[1, 99_999_999], &[0, 100_000_000]),
            ("idr", &[1, 999_999_999_999], &[1_000_000_000_000]),
            ("isk", &[100, 500], &[50, 550]),
            ("ugx", &[100, 500], &[5, 550]),
            ("huf", &[1045], &[]),
            ("twd", &[80_045], &[]),
            ("kwd", &[5120], &[5124]),
            ("bhd", &[10], &[1]),
        ] {
            for amount in good {
                assert_eq!(money(*amount, currency), Ok(()), "{amount} {currency}");
            }
            for amount in bad {
                assert!(money(*amount, currency).is_err(), "{amount} {currency}");
            }
        }
    }
}
