//! Makes a world small in which a request is answered differently: takes away what does not matter, piece
//! by piece, as long as the difference stays.

use serde_json::Value;

use crate::world::World;

/// The same world without some piece, larger pieces first.
pub(crate) fn smaller(world: &World) -> Vec<World> {
    let mut found = Vec::new();
    let is_route = |object: &Value| object["kind"] == "Ingress" || object["kind"] == "HTTPRoute";
    let without = |index: usize| {
        let mut world = world.clone();
        world.objects.remove(index);
        world
    };
    let routes = world.objects.iter().filter(|object| is_route(object)).count();
    for kept in [0..routes / 2, routes / 2..routes].into_iter().filter(|_| routes > 2) {
        let mut world = world.clone();
        let mut number = 0;
        world.objects.retain(|object| {
            number += usize::from(is_route(object));
            !is_route(object) || kept.contains(&(number - 1))
        });
        found.push(world);
    }
    let numbered = || world.objects.iter().enumerate();
    found.extend(numbered().filter(|(_, object)| is_route(object)).map(|(index, _)| without(index)));
    for (index, object) in numbered().filter(|(_, object)| is_route(object)) {
        for pointer in ["/spec/rules", "/spec/tls", "/metadata/annotations", "/spec/defaultBackend"] {
            found.extend(cut(object, pointer).into_iter().map(|object| replaced(world, index, object)));
        }
        let rules = object["spec"]["rules"].as_array().map_or(0, Vec::len);
        for rule in 0..rules {
            for place in ["http/paths", "matches", "filters", "backendRefs"] {
                let pointer = format!("/spec/rules/{rule}/{place}");
                found.extend(cut(object, &pointer).into_iter().map(|object| replaced(world, index, object)));
            }
        }
    }
    let behind = |object: &Value| object["kind"] == "Service" || object["kind"] == "EndpointSlice";
    found.extend(numbered().filter(|(_, object)| behind(object)).map(|(index, _)| without(index)));
    for index in 0..world.arguments.len() {
        let mut world = world.clone();
        world.arguments.remove(index);
        found.push(world);
    }
    for index in 0..world.config.len() {
        let mut world = world.clone();
        world.config.remove(index);
        found.push(world);
    }
    found
}

fn replaced(world: &World, index: usize, object: Value) -> World {
    let mut world = world.clone();
    world.objects[index] = object;
    world
}

/// The object without one element of a list, one key of a map, or the whole value, whatever is there.
fn cut(object: &Value, pointer: &str) -> Vec<Value> {
    let edited = |edit: &dyn Fn(&mut Value)| {
        let mut object = object.clone();
        if let Some(place) = object.pointer_mut(pointer) {
            edit(place);
        }
        object
    };
    match object.pointer(pointer) {
        Some(Value::Array(all)) if all.len() > 1 => (0..all.len())
            .map(|index| {
                edited(&|place| {
                    let _ = place.as_array_mut().map(|all| all.remove(index));
                })
            })
            .collect(),
        Some(Value::Object(all)) if pointer.ends_with("annotations") => all
            .keys()
            .map(|key| {
                edited(&|place| {
                    let _ = place.as_object_mut().map(|all| all.remove(key));
                })
            })
            .collect(),
        Some(Value::Null) | None => Vec::new(),
        Some(_) if pointer.ends_with("rules") => Vec::new(),
        Some(_) => vec![edited(&|place| *place = Value::Null)],
    }
}
