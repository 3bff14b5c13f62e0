//! Detections that blocks name and that are not there.

use std::collections::BTreeSet;

use egret_config::{Diagnostic, Diagnostics, Located};
use egret_detect::DetectionDefinition;
use egret_model::suggest;

use crate::configuration::AlertSettings;
use crate::own::{DELIVERY_FAILED, DIGEST};

impl AlertSettings {
    /// Warns of blocks that name a detection which is not among `detections`: most often that is a slip. It is no mistake,
    /// for its findings may come from elsewhere; and a pattern is meant for whatever there is.
    pub fn check_names(&self, detections: &[DetectionDefinition], diagnostics: &mut Diagnostics) {
        let mut ids: BTreeSet<&str> =
            detections.iter().map(|detection| detection.id.value.as_str()).collect();
        ids.extend([DELIVERY_FAILED, DIGEST]);
        for route in &self.routes {
            check(route.definition.detection.as_ref(), &ids, diagnostics);
        }
        // These are meant by their titles as well.
        let titles: BTreeSet<&str> = detections.iter().map(|detection| detection.title.as_str()).collect();
        let suppressions = self.suppressions.iter().map(|about| &about.definition.selector);
        let overrides = self.overrides.iter().map(|about| &about.definition.selector);
        for selector in suppressions.chain(overrides) {
            let named = selector.detection.as_ref();
            check(named.filter(|named| !titles.contains(named.value.as_str())), &ids, diagnostics);
        }
    }
}

fn check(written: Option<&Located<String>>, ids: &BTreeSet<&str>, diagnostics: &mut Diagnostics) {
    let Some(written) = written else { return };
    let name = written.value.as_str();
    if name.contains('*') || ids.contains(name) {
        return;
    }
    let hint = match suggest::nearest(name, ids.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`egret rule list` shows the detections that are there".to_owned(),
    };
    let warning = Diagnostic::warning(format!("there is no detection `{name}`"));
    diagnostics.push(warning.at(&written.location).hint(hint));
}
