//! Currencies of ISO 4217 and the number of decimals that each has.

use std::fmt;

/// A currency in circulation, by its ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

/// Codes of ISO 4217 (active list), grouped by their minor unit.
/// Funds codes, metals and test codes are left out: nobody invoices in them.
const TWO_DECIMALS: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB \
BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP \
GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP \
LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB \
PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL \
THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG";
const NO_DECIMALS: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
const THREE_DECIMALS: &str = "BHD IQD JOD KWD LYD OMR TND";

impl Currency {
    /// The euro.
    pub const EUR: Currency = Currency(*b"EUR");

    /// Reads a code such as `EUR`; `None` when it is not a currency of ISO 4217.
    pub fn parse(code: &str) -> Option<Currency> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        let currency = Currency(bytes.map(|b| b.to_ascii_uppercase()));
        let known = |list: &str| list.split_ascii_whitespace().any(|c| c == currency.code());
        (known(TWO_DECIMALS) || known(NO_DECIMALS) || known(THREE_DECIMALS)).then_some(currency)
    }

    /// The three letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// How many decimals an amount has: 2 for EUR, 0 for JPY, 3 for TND.
    pub fn decimals(&self) -> u32 {
        let listed = |list: &str| list.split_ascii_whitespace().any(|c| c == self.code());
        match self.0 {
            [b'E', b'U', b'R'] => 2,
            _ if listed(NO_DECIMALS) => 0,
            _ if listed(THREE_DECIMALS) => 3,
            _ => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_codes_and_decimals() {
        let decimals = |code| Currency::parse(code).map(|c| c.decimals());
        assert_eq!(decimals("EUR"), Some(2));
        assert_eq!(decimals("jpy"), Some(0));
        assert_eq!(decimals("TND"), Some(3));
        assert_eq!(decimals("EURO"), None);
        assert_eq!(decimals("XYZ"), None);
        assert_eq!(decimals("É1"), None);
    }
}
