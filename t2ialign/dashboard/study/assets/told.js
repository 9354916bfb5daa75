(compare, aspect) => Object.assign(document.querySelector('#t2-study-body').dataset, { compare, aspect })
