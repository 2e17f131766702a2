//! The store as the rooms without IO see it (`ratatosk_objects::storage`).

use ratatosk_objects::{IdHash, Microdata, ObjectHash, Objects, ObjectsMut, Reference, Versions};

use crate::error::Error;
use crate::transaction::Transaction;
use crate::view::View;

impl Objects for View<'_> {
    type Error = Error;

    fn object(&self, hash: &ObjectHash) -> Result<Option<Microdata>, Error> {
        View::object(self, hash)
    }

    fn id_object(&self, id: &IdHash) -> Result<Option<Microdata>, Error> {
        View::id_object(self, id)
    }

    fn contains(&self, reference: &Reference) -> Result<bool, Error> {
        View::contains(self, reference)
    }
}

impl Objects for Transaction<'_> {
    type Error = Error;

    fn object(&self, hash: &ObjectHash) -> Result<Option<Microdata>, Error> {
        self.view.object(hash)
    }

    fn id_object(&self, id: &IdHash) -> Result<Option<Microdata>, Error> {
        self.view.id_object(id)
    }

    fn contains(&self, reference: &Reference) -> Result<bool, Error> {
        self.view.contains(reference)
    }
}

impl ObjectsMut for Transaction<'_> {
    fn put(&mut self, object: &Microdata) -> Result<ObjectHash, Error> {
        Transaction::put(self, object)
    }

    fn put_id(&mut self, id_object: &Microdata) -> Result<IdHash, Error> {
        Transaction::put_id(self, id_object)
    }
}

impl Versions for Transaction<'_> {
    fn current(&self, id: &IdHash) -> Result<Option<ObjectHash>, Error> {
        self.view.current(id)
    }

    fn set_current(&mut self, id: IdHash, node: ObjectHash) -> Result<(), Error> {
        Transaction::set_current(self, id, node)
    }
}
