//! Which descriptions of a far side are not given to a platform at all.

use alloc::format;
use alloc::string::String;

use crate::{ConnectFailure, SessionDescription};

/// How long a description of the far side may be, in bytes: 64 KiB. One with data channels alone has about 500.
pub const MAX_DESCRIPTION: usize = 64 * 1024;

/// Checks what a platform's parser need not see.
///
/// # Errors
///
/// [`ConnectFailure::Description`] for one that is longer than [`MAX_DESCRIPTION`] or has no section for data channels.
pub fn check_description(description: &SessionDescription) -> Result<(), ConnectFailure> {
    let length = description.sdp.len();
    if length > MAX_DESCRIPTION {
        let why = format!("{length} bytes are too many");
        return Err(ConnectFailure::Description(why));
    }
    if !description.sdp.contains("m=application") {
        let why = String::from("it has no section for data channels");
        return Err(ConnectFailure::Description(why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::SdpType;

    use super::*;

    #[test]
    fn only_a_description_with_data_channels_and_of_sane_length_passes() {
        let check = |sdp: &str| {
            check_description(&SessionDescription {
                sdp_type: SdpType::Offer,
                sdp: String::from(sdp),
            })
        };
        let of_length = |length: usize| format!("m=application{}", " ".repeat(length - 13));
        assert_eq!(check("v=0\r\nm=application 9\r\n"), Ok(()));
        assert_eq!(check(&of_length(65_536)), Ok(()));
        let too_long = of_length(65_537);
        for bad in ["", "v=0\r\nm=video 9\r\n", &too_long] {
            assert!(matches!(check(bad), Err(ConnectFailure::Description(_))));
        }
    }
}
