//! Writes GGUF files, right and wrong ones.

/// A value of the metadata.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names are those of the format")]
pub enum Value {
    U8(u8),
    I8(i8),
    U16(u16),
    I16(i16),
    U32(u32),
    I32(i32),
    F32(f32),
    Bool(bool),
    String(String),
    U64(u64),
    I64(i64),
    F64(f64),
    /// Elements of one type; an empty one counts as strings.
    Array(Vec<Value>),
}

impl Value {
    /// The number of the type in the format.
    pub fn kind(&self) -> u32 {
        match self {
            Self::U8(_) => 0,
            Self::I8(_) => 1,
            Self::U16(_) => 2,
            Self::I16(_) => 3,
            Self::U32(_) => 4,
            Self::I32(_) => 5,
            Self::F32(_) => 6,
            Self::Bool(_) => 7,
            Self::String(_) => 8,
            Self::Array(_) => 9,
            Self::U64(_) => 10,
            Self::I64(_) => 11,
            Self::F64(_) => 12,
        }
    }

    fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::U8(value) => to.push(*value),
            Self::I8(value) => to.extend(value.to_le_bytes()),
            Self::U16(value) => to.extend(value.to_le_bytes()),
            Self::I16(value) => to.extend(value.to_le_bytes()),
            Self::U32(value) => to.extend(value.to_le_bytes()),
            Self::I32(value) => to.extend(value.to_le_bytes()),
            Self::F32(value) => to.extend(value.to_le_bytes()),
            Self::Bool(value) => to.push(u8::from(*value)),
            Self::String(value) => text(to, value),
            Self::U64(value) => to.extend(value.to_le_bytes()),
            Self::I64(value) => to.extend(value.to_le_bytes()),
            Self::F64(value) => to.extend(value.to_le_bytes()),
            Self::Array(values) => {
                to.extend(values.first().map_or(8, Self::kind).to_le_bytes());
                to.extend((values.len() as u64).to_le_bytes());
                for value in values {
                    value.write(to);
                }
            }
        }
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

fn text(to: &mut Vec<u8>, text: &str) {
    to.extend((text.len() as u64).to_le_bytes());
    to.extend(text.as_bytes());
}

/// A tensor of 32-bit floats, as every test wants it.
#[derive(Clone, Debug)]
struct Tensor {
    name: String,
    dimensions: Vec<u64>,
    data: Vec<f32>,
    /// Added to the offset that is right.
    astray: u64,
}

/// What a file shall hold; [`Self::bytes`] writes it.
#[derive(Clone, Debug)]
pub struct Writer {
    version: u32,
    metadata: Vec<(String, Value)>,
    tensors: Vec<Tensor>,
    /// What the head says instead of the number of tensors and of entries of the metadata.
    counts: Option<(u64, u64)>,
}

/// Where tensors begin: at multiples of this.
const ALIGNMENT: usize = 32;

impl Default for Writer {
    fn default() -> Self {
        Self { version: 3, metadata: Vec::new(), tensors: Vec::new(), counts: None }
    }
}

impl Writer {
    /// The version that the file states; 3 if nothing is said.
    pub fn version(&mut self, version: u32) {
        self.version = version;
    }

    /// Adds an entry of the metadata, or changes it.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        let value = value.into();
        match self.metadata.iter_mut().find(|(there, _)| there == key) {
            Some((_, there)) => *there = value,
            None => self.metadata.push((key.to_owned(), value)),
        }
    }

    /// Takes an entry out of the metadata.
    pub fn unset(&mut self, key: &str) {
        self.metadata.retain(|(there, _)| there != key);
    }

    /// Adds a tensor of 32-bit floats. The first dimension is the one whose elements lie side by side.
    pub fn tensor(&mut self, name: &str, dimensions: &[usize], data: Vec<f32>) {
        let dimensions = dimensions.iter().map(|&dimension| dimension as u64).collect();
        self.tensors.push(Tensor { name: name.to_owned(), dimensions, data, astray: 0 });
    }

    /// The last tensor claims to begin `bytes` further on than it does.
    pub fn lead_astray(&mut self, bytes: u64) {
        if let Some(tensor) = self.tensors.last_mut() {
            tensor.astray = bytes;
        }
    }

    /// The head claims so many tensors and entries of the metadata.
    pub fn claim(&mut self, tensors: u64, metadata: u64) {
        self.counts = Some((tensors, metadata));
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let (tensors, metadata) = self.counts.unwrap_or((self.tensors.len() as u64, self.metadata.len() as u64));
        let mut file = b"GGUF".to_vec();
        file.extend(self.version.to_le_bytes());
        file.extend(tensors.to_le_bytes());
        file.extend(metadata.to_le_bytes());
        for (key, value) in &self.metadata {
            text(&mut file, key);
            file.extend(value.kind().to_le_bytes());
            value.write(&mut file);
        }
        let mut data = Vec::new();
        for tensor in &self.tensors {
            text(&mut file, &tensor.name);
            let dimensions = u32::try_from(tensor.dimensions.len()).unwrap_or(u32::MAX);
            file.extend(dimensions.to_le_bytes());
            for dimension in &tensor.dimensions {
                file.extend(dimension.to_le_bytes());
            }
            // 0 is the type of 32-bit floats.
            file.extend(0u32.to_le_bytes());
            file.extend((data.len() as u64).wrapping_add(tensor.astray).to_le_bytes());
            data.extend(tensor.data.iter().flat_map(|number| number.to_le_bytes()));
            pad(&mut data);
        }
        pad(&mut file);
        file.extend(data);
        file
    }
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
}
