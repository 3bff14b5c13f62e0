//! "Did you mean": the nearest valid name, for hints.

/// The candidate nearest to `name`, if one is near enough to be meant. Case and the signs `-`, `_` and `.`
/// do not count as differences.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let fold = |text: &str| text.to_lowercase().replace(['-', '_', '.'], "");
    let wanted = fold(name);
    let limit = wanted.chars().count() / 3 + 1;
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&wanted, &fold(candidate)), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let names = ["source", "filter", "tp_index", "timezone"];
        assert_eq!(nearest("fitler", names), Some("filter"));
        assert_eq!(nearest("time_zone", names), Some("timezone"));
        assert_eq!(nearest("TpIndex", names), Some("tp_index"));
        assert_eq!(nearest("bucket", names), None);
    }
}
