(compare, aspect, kind, attribute) => Object.assign(document.querySelector('#t2-study-body').dataset, { compare, aspect, kind, attribute: attribute ? 'one' : '' })
