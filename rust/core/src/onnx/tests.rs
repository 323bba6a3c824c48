use proptest::prelude::*;
use prost::Message;
use prost::bytes::Bytes;

use super::{Attribute, Data, MAX_BYTES, Model, Tensor, wire};

fn tensor(name: &str, dims: &[i64], values: &[f32]) -> wire::Tensor {
    wire::Tensor {
        name: name.to_owned(),
        dims: dims.to_vec(),
        data_type: 1,
        raw_data: values.iter().flat_map(|x| x.to_le_bytes()).collect(),
        ..wire::Tensor::default()
    }
}

fn attribute(name: &str, kind: i32, with: impl FnOnce(&mut wire::Attribute)) -> Bytes {
    let mut a = wire::Attribute { name: name.to_owned(), kind, ..wire::Attribute::default() };
    with(&mut a);
    a.encode_to_vec().into()
}

/// One Gemm with two constants.
fn layer() -> wire::Model {
    let node = wire::Node {
        input: ["x", "w", "b"].map(str::to_owned).to_vec(),
        output: vec!["y".to_owned()],
        name: "first".to_owned(),
        op_type: "Gemm".to_owned(),
        attribute: vec![
            attribute("alpha", 1, |a| a.f = 0.5),
            attribute("transB", 2, |a| a.i = 1),
            attribute("note", 3, |a| a.s = b"hidden".to_vec()),
            attribute("table", 4, |a| a.t = Some(tensor("", &[2], &[1.0, -2.0]))),
            attribute("floats", 6, |a| a.floats = vec![1.5, 2.5]),
            attribute("ints", 7, |a| a.ints = vec![-1, 7]),
            attribute("modes", 8, |a| a.strings = vec![b"LEAF".to_vec(), b"BRANCH_LEQ".to_vec()]),
            attribute("body", 5, |_| ()),
        ],
        domain: "ai.onnx".to_owned(),
    };
    let shape = |sides: [Option<i64>; 2]| {
        let dim = sides.map(|value| wire::Dimension { value }).to_vec();
        let tensor = Some(wire::TensorKind { shape: Some(wire::Shape { dim }) });
        Some(wire::Kind { tensor })
    };
    let port = |name: &str, kind| wire::ValueInfo { name: name.to_owned(), kind };
    wire::Model {
        producer_name: "here".to_owned(),
        graph: Some(wire::Graph {
            node: vec![node.encode_to_vec().into()],
            initializer: vec![
                tensor("w", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
                wire::Tensor {
                    name: "b".to_owned(),
                    dims: vec![2],
                    data_type: 11,
                    double_data: vec![0.25, 0.75],
                    ..wire::Tensor::default()
                },
            ],
            input: vec![port("x", shape([None, Some(3)])), port("w", None)],
            output: vec![port("y", shape([None, Some(2)]))],
        }),
        opset_import: vec![wire::OperatorSet { domain: String::new(), version: 17 }],
        metadata_props: vec![wire::Entry { key: "card".to_owned(), value: "{}".to_owned() }],
    }
}

#[test]
fn a_graph_is_read_whole() {
    let model = Model::read(&layer().encode_to_vec()).unwrap();
    assert_eq!((model.producer.as_str(), model.opsets[""], model.metadata["card"].as_str()), ("here", 17, "{}"));
    let node = &model.nodes[0];
    assert!(node.is("Gemm") && !node.is("MatMul"));
    assert_eq!((node.inputs.join(","), node.outputs.join(",")), ("x,w,b".to_owned(), "y".to_owned()));
    assert_eq!((node.float("alpha").unwrap(), node.int("transB").unwrap()), (Some(0.5), Some(1)));
    assert_eq!(node.text("note").unwrap(), Some("hidden"));
    assert_eq!(node.tensor("table").unwrap().unwrap().to_f32(), [1.0, -2.0]);
    assert_eq!(
        (node.floats("floats").unwrap().unwrap(), node.ints("ints").unwrap().unwrap()),
        (&[1.5, 2.5][..], &[-1, 7][..])
    );
    assert_eq!(node.texts("modes").unwrap().unwrap(), ["LEAF", "BRANCH_LEQ"]);
    assert_eq!(node.attribute("body"), Some(&Attribute::Other(5)));
    assert_eq!(node.int("beta").unwrap(), None);
    assert!(node.int("alpha").unwrap_err().to_string().contains("expected a whole number"));
    assert_eq!(
        model.initializers["w"],
        Tensor { shape: vec![2, 3], data: Data::F32((1..=6).map(|k| k as f32).collect()) }
    );
    assert_eq!(model.constant("b").unwrap().to_f64(), [0.25, 0.75]);
    assert_eq!(model.constant("x"), None);
    assert_eq!(model.inputs.len(), 1, "a constant is no input");
    assert_eq!(
        (model.inputs[0].shape.clone(), model.outputs[0].shape.clone()),
        (vec![None, Some(3)], vec![None, Some(2)])
    );
}

fn graph(m: &mut wire::Model) -> &mut wire::Graph {
    m.graph.as_mut().unwrap()
}

#[test]
fn what_is_no_model_is_refused_by_name() {
    let whole = layer();
    let told = |change: &dyn Fn(&mut wire::Model)| {
        let mut model = whole.clone();
        change(&mut model);
        Model::read(&model.encode_to_vec()).unwrap_err().to_string()
    };
    assert!(Model::read(b"").unwrap_err().to_string().contains("without a graph"));
    assert!(Model::read(b"{\"trees\": []}").unwrap_err().to_string().starts_with("onnx file = 13 bytes"));
    assert!(Model::read(&vec![0; MAX_BYTES + 1]).is_err());
    assert!(told(&|m| graph(m).initializer[0].dims[0] = 3).contains("expected 9 values for [3, 3]"));
    assert!(told(&|m| graph(m).initializer[0].dims[0] = -3).contains("shape [-3, 3]"));
    assert!(told(&|m| graph(m).initializer[0].dims = vec![i64::MAX, i64::MAX]).contains("expected sides"));
    assert!(told(&|m| graph(m).initializer[0].raw_data.push(0)).contains("25 raw bytes"));
    assert!(told(&|m| graph(m).initializer[0].data_type = 10).contains("data type 10"));
    assert!(told(&|m| graph(m).initializer[0].data_location = 1).contains("another file"));
    assert!(told(&|m| graph(m).initializer[1].name = "w".to_owned()).contains("\"w\" twice"));
    assert!(told(&|m| graph(m).node = vec![Bytes::new(); 70_000]).contains("70000 nodes"));
    assert!(told(&|m| graph(m).node = vec![vec![0xff].into()]).starts_with("onnx node"));
}

#[test]
fn a_file_cut_short_is_refused_or_at_least_no_other_graph() {
    let bytes = layer().encode_to_vec();
    let whole = Model::read(&bytes).unwrap();
    for end in 0..bytes.len() {
        // The graph is one length-delimited field: a cut inside it is seen; after it only what follows is missing.
        if let Ok(part) = Model::read(&bytes[..end]) {
            assert_eq!((&part.nodes, &part.initializers), (&whole.nodes, &whole.initializers), "cut at {end}");
        }
    }
}

proptest! {
    #[test]
    fn garbage_does_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = Model::read(&bytes);
    }

    #[test]
    fn a_damaged_file_does_not_panic(at in any::<proptest::sample::Index>(), byte in any::<u8>(), cut in any::<proptest::sample::Index>()) {
        let mut bytes = layer().encode_to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = Model::read(&bytes);
        bytes.truncate(cut.index(bytes.len() + 1));
        let _ = Model::read(&bytes);
    }
}
