//! STUB until merged
use crate::model::{controller::*, ingress_class::*, object::*, pod::*, workload::*};
pub const POD_SELECTOR: &str = "";
pub fn is_controller(_w: &Workload) -> bool {
    false
}
pub fn recognise(_w: &[Workload], _p: &[Pod], _c: &[IngressClass]) -> Vec<Controller> {
    vec![]
}
pub fn config_map_name(_c: &Controller) -> Option<Name> {
    None
}
