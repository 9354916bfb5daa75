"""t2ialign: see, live, what aligning a text-to-image model does to the diversity of its pictures.

A prompt becomes a point on the trade-off chart, and a vote becomes an adapter that moves it. The tour, from the bottom
up: a folder imports from folders above it only (`make check`), every file has its line (tests/test_architecture.py).

    types.py                the nouns, all frozen: read this first
    codec.py                frozen records as plain JSON values and back
    settings.py             paths and the device, read from the environment once
    files.py                files that are there whole or not at all; foreign ones, or one sentence
    file_states.py          whether folders hold what they held
    names.py                what people may call a checkpoint or a prompt set
    pictures.py             the one reader of picture files, and of the settings in them
    torchvision_guard.py    lets torchvision import beside a CPU torch
    source.py               what training learns from, as one value
    job_record.py           a job as one record, also as older versions wrote it
    limits.py               what people may ask for in words and numbers
    seeds.py                every prompt's own seeds
    content.py              what things are, by their content: files, pipelines, the Hub's cache
    remembering.py          answers that are worked out once for all who ask
    network.py              whether anybody answers, asked once; downloads that go on where they broke
    downloads.py            weights that lie elsewhere: what is here, at which commit, and how the rest comes
    adapter_places.py       where adapters lie, under which names, and who they are
    model_families.py       the families of models that can be drawn with
    registry.py             backbones, checkpoints and scorers that can be loaded
    samplers.py             the menu of samplers

    guidance/               how a step's predictions become one; GUIDANCE in its __init__ is the menu; and:
        needs.py            what a strategy may ask of the loop
        other_checkpoint.py the checkpoint that a strategy names, by its content

    divergences.py          the f-divergences that may hold a policy to its reference
    objectives/             from margins to losses, one link a file; OBJECTIVES in its __init__ is the menu; and:
        beta.py             what every objective asks of its beta

    metrics/                one metric a file, pure maths; METRICS in its __init__ is the menu; and beside them:
        readings.py         metrics that are a feature as it was measured, one row each
        factor_groups.py    factor diversity of one group of free factors alone, one row each
        pairwise.py         all pairs of a batch from per-image work done once
        scoring.py          features to a Score with its interval and version
        marginal.py         what each picture adds to the diversity of its set
        subsets.py          the value of any set of measured pictures
        nuisance.py         changes that leave a picture the same to people
        distribution.py     how far apart two populations of pictures are
        log_gabor.py        log-Gabor filter banks in the frequency domain, on which phase congruency stands ...
        structure.py        SSIM of all pairs for any window

    tradeoff/               what the chart means
        interval.py         intervals over prompts, with seeds within them
        points.py           scores of cells to points of the chart
        comparison.py       two checkpoints on the same prompts and seeds
        arrows.py           from parents to what was trained from them
        strategies.py       guidance strategies beside plain guidance of the same alignment
        benchmark_set.py    the prompts and seeds on which checkpoints are compared
        frontier.py         what a point of win rate costs in diversity, by method
        choosing.py         what a measure is worth as a judge of a prompt's pictures
        training_seeds.py   several runs of one method: intervals that count prompts and training seeds
        pareto.py           the front and its hypervolume
        correlation.py      rank correlation of two metrics
        families.py         many differences, corrected together
        cell_values.py      many metrics on every prompt of every config, as arrays
        front_band.py       the best diversity at a required alignment, hypervolumes and the knee
        doses.py            how metrics move with CFG, weight and training: curves and slopes
        relations.py        do two metrics say the same? Kendall's tau at three levels
        rank_curves.py      how scores are distributed by a picture's rank within its prompt
        scatter.py          two metrics of the same things, a dot each
        training_dials.py   which checkpoints differ in steps, rounds or beta alone, as places on a dial
        strength.py         the plane of CFG and a dial of strength: weight, steps, rounds or beta
        differences.py      every point less one of them, paired by prompt and seed
        matching.py         a checkpoint beside another one's CFG of the same alignment
        dials.py            an adapter's weights as a path from its base
        research.py         the nouns of a report
        audit.py            what an audit finds out about a metric, and what it means in words
        audit_table.py      an audit as a table

    encoders/               pictures and prompts to features, weights loaded lazily
        weights.py          where weights lie and who they are
        clip.py             open_clip embeddings
        lpips.py            features whose squared distance is LPIPS
        trunk.py            a small trunk for LPIPS on coloured shapes
        aesthetic.py        LAION's aesthetic predictor
        blip_vqa.py         BLIP-VQA, noun phrase by noun phrase
        dinov2.py           DINOv2 embeddings
        dreamsim.py         DreamSim embeddings
        hps.py              HPSv2.0 and 2.1
        image_reward.py     ImageReward on transformers' BLIP
        inception.py        Inception-v3 as FID means it
        noun_phrases.py     the things that a prompt names, by rule
        phrase_readers.py   who reads them: spaCy where it is installed, else the rule
        pick_score.py       PickScore
        preprocess.py       pictures as networks want them
        reward_head.py      linear maps that others write as networks
        spatial.py          a UniDet-style spatial score
        vqa_score.py        VQAScore from a vision-language model

    shapes/                 the embedded world, where truth is known
        grammar.py          what can be said: prompts, claims, held-out combinations
        scene.py            what can be drawn: factors and their habitats
        render.py           factors to pixels
        captions.py         captions of scenes, dirty on purpose
        tokenizer.py        the word list as stock CLIP tokenizer files
        reader.py           the oracle's eyes: a network from pixels to factors
        oracle.py           which claims hold, and what the free factors are
        annotator.py        raters with a known taste
        step_scorer.py      what raters would think of an unfinished picture
        optimum.py          what preference tuning could reach at most: the world tilted by a taste
        raters.py           the same raters as a scorer
        fit.py              the one training loop of this world's models
        train_reader.py     the oracle's reader
        train_vae.py        the autoencoder
        train_base.py       the text encoder and UNet, saved as a stock pipeline
        train_clip.py       the small CLIP scorer
        train_lpips.py      the trunk under LPIPS
        train_step_scorer.py  the step-aware preference model
        pretrain.py         the command that trains them
        evaluate.py         the command that measures them

    diffusion/              prompts and seeds to pictures
        autoencoders.py     latents to pictures and back, as each family's pipeline does it
        language_models.py  prompts read by language models, as their pipelines do it
        adapter_files.py    adapter files: read, checked and written
        flux_layouts.py     LoRAs of FLUX.1 and FLUX.2 under their makers' names, fused layers taken apart
        adapter_layouts.py  every layout in which the field writes LoRAs, as one
        adapters.py         LoRA, DoRA and whole UNets: loading, blending, training, saving
        attention.py        what a UNet attends to while it predicts
        backbone.py         one loaded model, whatever its family
        compiling.py        a network compiled by torch, with a warm-up that is said
        denoise.py          the loop: from noise to latents, with mutual information
        generate.py         prompt, config and seeds to pictures
        guiding.py          a step's predictions, with all that a strategy asks for
        merging.py          several adapters as one LoRA
        information.py      mutual information of any picture, from latents noised again
        inputs.py           what the loop may be asked for
        memory.py           smaller pieces where a device has no room
        micro_batches.py    how many pictures at a time, by free memory and by what fitted
        offload.py          networks that take turns on a device with no room for all
        pipelines.py        a backbone's folder as its stock pipeline reads it
        prompt_memory.py    prompts encoded once for many cells
        noise.py            the pure maths of one denoising step
        noise_search.py     one picture's noise, moved up a reward's slope
        preview.py          what an unfinished picture looks like
        skeleton.py         a backbone's networks without their numbers, to see what fits
        reading.py          the noun phrases of a prompt, among a model's tokens
        schedulers.py       the samplers at work, on diffusers' schedulers
        flow.py             rectified flows: their scheduler and its noise levels
        velocities.py       the transformers of flow models, called as their pipelines call them
        tally.py            mutual information as the loop adds it up
        stock.py            the authority that the loop is held against
        switch.py           which adapters of a UNet are on
        text.py             prompts to embeddings
        unet_encoder.py     what a UNet's own encoder makes of noisy latents
        whole_unets.py      full fine-tuned UNets in the place of a backbone's own

    training/               an adapter learns
        data.py             what a step learns from, encoded once
        draws.py            what chance decides in a step
        log_ratio.py        how much likelier a picture is to the policy than to its reference
        regularisers.py     what holds a policy back
        losses.py           the axes joined into one loss
        plan.py             how long, how fast, how exactly
        evaluate.py         a noised batch through reference and policy
        perception.py       an output seen by the UNet's own encoder, one step on
        diagnostics.py      what a step found, as one record
        memory.py           which batch fits
        processes.py        several processes that train one adapter
        state.py            what a step changes, and its file
        train.py            the loop
        pairs.py            preference pairs by a judge's marks
        populations.py      a prompt's more varied half against the other
        pair_files.py       preferences in Parquet files
        selection.py        self-selected sets, mixtures, likes and dislikes
        chains.py           the steps of a run as Gaussians: DDIM's, and those of a flow's SDE
        replays.py          a step's examples, on disk where they have no room in memory
        rollouts.py         pictures drawn while it trains, every step with its likelihood
        guided.py           a backbone as a policy that draws
        critic.py           what a step may expect, learned: DPOK's value network
        experience.py       what is drawn in a step, made into examples
        step_losses.py      losses of single denoising steps
        on_policy.py        the loop of methods that learn from what they draw
        reward_gradient.py  a reward's slope, through the last steps of a picture
        correction.py       D2-Align: what a reward likes about all pictures, taken out

    study/                  preference studies without a page: designs, fair rounds, statistics
        design.py           what a study asks and of what, and its TOML
        manifest.py         what an open study shows, frozen
        answers.py          what a rater may answer, and what it says about the contenders
        trials.py           balanced random rounds from a survey's id
        records.py          surveys and votes
        exclusion.py        which surveys are left out, by rule
        clusters.py         answers by rater and by prompt at once
        shares.py           shares with intervals over surveys
        head_to_head.py     who is preferred to whom: counts, shares and the binomial test
        counting.py         how many kinds raters count in each set, and how sure they are
        contested.py        the pictures on which votes were most even
        arena.py            an arena's leaderboard
        selection.py        how often what was chosen: MI-TUNE's tables 6 and 7
        strengths.py        Bradley-Terry and Davidson
        rankings.py         Plackett-Luce
        agreement.py        Krippendorff's alpha
        behaviour.py        position bias, response times, attention
        people.py           do metrics see what people see?
        power.py            how many more answers would separate two contenders
        results.py          everything that a study's votes say
        simulation.py       raters made of numbers
        tables.py           anybody's votes from CSV

    store/                  DuckDB, its only writer
        migrations.py       the tables, as a list of functions
        database.py         Store: one owner, a cursor a call, one write lock
        records.py          one layout for cells with pictures and scores
        writing.py          records into tables
        batches.py          seed batches in and out
        images.py           pictures as files named by their hash
        quota.py            a bound on what pictures take
        scores.py           scores in and out, versions kept apart
        filters.py          which cells a list or a chart shows
        aggregates.py       the chart's points, added up by DuckDB
        tally.py            what is there of many cells at once
        paired_aggregates.py  differences with the parent, added up by DuckDB
        cell_values.py      values of a benchmark set's cells, for bands, slopes and ranks
        upkeep.py           checked, saved, written out and read in
        tables.py           what was written out, read where it lies: a folder, the Hub, a bucket
        benchmarks.py       benchmark sets, and scored prompts that are in none
        marks.py            what people noted about checkpoints
        runs.py             what a person asked for, under an id for links
        grids.py            grids that were asked for
        jobs.py             jobs, and what their workers measured
        inbox.py            how other processes' results come in
        notes.py            cells that are found again without opening the store
        reference.py        the shipped runs that a new store starts with
        export.py           the chart's numbers as CSV and Parquet
        errors.py           what can go wrong, each as one sentence
        connection.py       what the store asks of a DuckDB connection
        studies.py          drafts, frozen studies, their state, exclusions and log
        votes.py            surveys begun, answers kept, surveys withdrawn
        vote_queries.py     surveys and votes read back
        vote_rows.py        votes as rows and as lines of a shard
        vote_log.py         append-only files of votes, synced to disk
        vote_pairs.py       votes as training data
        parcels.py          a cell's files as one, for machines that share no disk

    methods/                one paper a file; METHODS in its __init__ is the menu; and beside them:
        method.py           the noun: a paper's choices and its published numbers
        controls.py         fields that people may set
        options.py          the fields that several methods have

    engines/                where a sweep runs
        local.py            in one background thread of this process
        spread.py           the same command on several devices at once
        ray.py              work spread over a Ray cluster, an actor lost or not

    jobs/                   long work in processes of their own
        reconcile.py        rows, folders and processes, kept in agreement
        folder.py           the files through which owner, worker and command line talk
        summary.py          a job as its files tell, without the store
        precedence.py       people come first: sweeps wait while the page draws
        measurement_log.py  what a worker measures, written down at once
        process.py          starting workers, recognising and stopping them
        reporter.py         the worker's side
        transitions.py      what may be asked of a job, and which one is next
        supervisor.py       the owner's side: starts, watches, notices

    use_cases/              the use cases, the only composers
        api.py              the public Python API
        results.py          where results are kept and found, whoever owns the store
        lent_gpu.py         sampling on GPUs that are lent for a call
        upkeep.py           a store brought up to date with the files beside it
        noise_search.py     one picture's noise moved up a reward's slope
        workbench.py        what every use case works with
        shipped.py          the shipped results come into a store, at once or while a page is served
        measures.py         which scorers measure what, and what is left out why
        additions.py        checkpoints from elsewhere: checked, listed, renamed, annotated
        weights.py          every weight of the registry: where it lies, and fetching it
        previews.py         what a checkpoint draws, as a strip for menus
        batches/            a prompt becomes scored pictures
            distance.py             how far apart two stored populations are
            picture_folders.py      any folder of pictures as one seed batch
            prompt_sets.py          prompt sets by name: shipped, imported, or any file
            prompt_layouts.py       prompts out of files, in every layout that the field publishes
            prompt_import.py        a prompt set from a file, a folder or the Hub, kept under a name
            requests.py             what a person may ask for, checked
            usual.py                what checkpoints are usually drawn with, where nobody says otherwise
            rescore.py              stored pictures scored anew
            run.py                  the same request on several checkpoints, under an id
            guidance_params.py      a request's guidance parameters as its config keeps them
            score_batch.py          the main use case: a request becomes pictures, scores, a stored cell
            score_pictures.py       pictures from anywhere to scores, and what each other metric lacks
            scoring.py              from pictures to scores
            grid.py                 two or three settings changed at once, cell by cell
            sweep.py                a grid of prompts, checkpoints and guidance scales
            benchmarks.py           benchmark sets: shipped, swept, or made of stray prompts
        sweeps/             many conditions on many prompts
            command.py              a sweep as a command line
            estimate.py             what a sweep asks for, and what it costs
            job.py                  a sweep as a job: queued, extended, read back
            plan.py                 a spec becomes cells, the coarse ones first
            run.py                  a sweep at work
            remote.py               the same on a cluster
            spec.py                 what a sweep asks for, and its TOML
        align/              training: a request becomes a checkpoint
            clock.py                how long a run still takes
            command.py              a training request as a command line
            data.py                 from a plan to data ready to train on
            drawing.py              what a method that draws is asked for and cannot have
            estimate.py             what a run will cost
            job.py                  training as a job: one way in, and its records read back
            lineage.py              where each checkpoint comes from
            run_doses.py            how strongly runs trained, and what their recipe is
            ingredients.py          what a run is made of, by content
            manifest.py             what a checkpoint was made from, and what that gained and cost
            merge.py                adapters merged into a new checkpoint
            optimise.py             the steps of a plan, whichever way its method learns
            pictures.py             the pictures to learn from, through the store
            probe.py                a fixed batch, sampled and scored while it trains
            removal.py              deleting a checkpoint, taking that back, renaming it
            request.py              what may be asked of training, checked
            rewards.py              what a method that draws learns from: marks, and a share of diversity
            sloped.py               rewards with a slope, and the correction of one that compares embeddings
            stopping.py             a run that stops when its pictures grow too much alike
            result.py               the checkpoint's manifest, and scores before and after
            sources.py              what preference methods learn from, by name
            train.py                training as a use case: a request becomes a checkpoint
            votes.py                what people voted for, from the store or from files left for a job
        audit/              which metric tells the truth?
            audit.py                which metric tells the truth?
            files.py                its answers as text
            picture_questions.py    its questions about pictures from anywhere
            rendered_sets.py        renders with known truth
            run_questions.py        its questions about the shipped runs
        studies/            preference studies
            prepare.py              a study's pictures prepared, frozen and opened; follow-ups
            results.py              a study's statistics, with the metrics beside the people
            results_table.py        its numbers as one long table
            simulated_raters.py     the embedded world's raters take part
        publish/            a checkpoint for others
            card.md                 the model card's template
            card.py                 a model card with the trade-off in it
            chart.py                the card's chart as a PNG
            folder.py               everything that a repository of the Hub holds
            receive.py              a published checkpoint taken in again
            trade_off.py            what a checkpoint changed against its parent
        protocols/           a paper's table run again
            protocol.py             one paper's experiment as a file, with its published numbers
            plan.py                 what a protocol will train, draw and need here
            run.py                  a protocol at work
            tables.py               ours beside the paper's
        reports/            results for people and files
            checkpoint_table.py     what trained checkpoints gained and lost
            metric_table.py         docs/metrics.md, made from the metrics
            metric_words.py         what their records do not say
            best_policy.py          the best that any tuning could do: a checkpoint's own pictures, reweighted
            frontier.py             what a point of win rate costs in diversity
            choosing.py             a measure as a judge of stored pictures, at each CFG
            optimum.py              what preference tuning could reach at most
            paper_tables.py         tables as papers print them, with our numbers
            text.py                 results as plain records and lines
            strategies.py           stored guidance strategies beside plain guidance, as a table and as points
            comparisons.py          stored checkpoints beside another one, in lines and as a table
            research.py             the report: what a store says about each research question
            research_page.py        the report as a Markdown page, with figures that lie beside it
            research_material.py    what a report stands on, gathered once
            research_pressure.py    its answers about guidance, training and regularisers
            research_guidance.py    its answer about guidance strategies
            research_answers.py     its answers about fronts, ranks, advice and metrics
            plane.py                points as changes from one of them, and where another one is as aligned
            chart_query.py          what those charts ask of a store, and what they are made of
            strength_plane.py       one strength plane in words and rows, and the menu of all
            metric_pairs.py         what one tau is made of, and scores by another metric's ranks
            more_charts.py          charts beside the trade-off chart, with a sentence and rows
            world.py                every promise of the embedded world, measured
            world_picture.py        two prompts along guidance, drawn

    hub/                    to and from the Hugging Face Hub and other programs
        api.py              the Hub as far as it is written to, and its errors in plain words
        checkpoint_repo.py  a checkpoint's folder as a repository
        space.py            the page as a Space
        vote_tables.py      votes as CSV and Parquet, and back
        pick_a_pic.py       comparisons in Pick-a-Pic's layout
        study_folder.py     a study as a folder that stands on its own, and back
        results_dataset.py  a Space's pictures, scores and adapters, committed to the Hub and back
        votes_dataset.py    studies pushed to the Hub, a Space's votes committed to it

    charts/                 nouns in, Plotly figures out
        theme.py            one look, light and dark, for every eye
        tradeoff.py         alignment against diversity, with intervals and the front
        tradeoff_notes.py   its arrows and names
        differences.py      the same seen from one of its points: paired differences
        facets.py           small ones beside each other, a category of prompts each
        paths.py            its dials: arrow heads along CFG, lines along adapter weights
        digits.py           the digits of a chart that somebody can see
        sweeps.py           points of one checkpoint along its guidance scales, under a name
        frontier.py         win rate against the change of diversity, a line a method
        distribution.py     how a measure of single pictures is distributed
        intervals.py        means with intervals, as bars and as rows
        labels.py           where names stand so that none covers another
        strip.py            scores of single pictures
        study.py            what people said: shares, strengths, and which metric sees as they do
        export.py           figures in offline HTML files, and the templates of those
        changes.py          differences with intervals, a row each
        doses.py            dose and response
        relations.py        Kendall's tau between metrics as a heat map
        rank_curves.py      distributions of a score by the rank that a judge gave
        scatter.py          two metrics of the same things
        mark.py             what lies behind a mark that is clicked
        front_band.py       the front's band and knee, and the best diversity at a required alignment
        report_page.py      a research report as one offline HTML file
        strength.py         the strength plane as two heat maps
        drawn.py            from what is to be shown to its figure
        audit.py            the audit as a heat map
        audit_page.py       the audit as one offline HTML file
        current.py          the batches that someone is looking at, drawn over the trade-off chart
        landscape.py        the loss of one pair over its two ratios, as numbers
        theory.py           the f-divergence family, its landscapes, and who moves more
        training.py         a training run as it happens

    dashboard/              the page
        page.py             the whole page
        services.py         what the tabs work with
        gradio_stubs.py     has Gradio leave its stubs for editors as they are
        gradio_queue.py     has Gradio's queue share itself between addresses, and let go of what nobody fetches
        gradio_sessions.py  has Gradio keep no copy of every component for each open page
        gradio_signatures.py  has Gradio look at the parameters of each component class once
        shared/             what several pages use
            batch_view.py           from a watched subject to what the page shows of it
            browser_events.py       invisible components through which the browser speaks
            chart_points.py         from the store to the chart
            checkpoint_menu.py      checkpoints in a menu, each with its story
            contact_sheet.py        the contact sheet
            health.py               whether the page can answer
            hub_models.py           models from the Hub are the owner's to draw with
            files_taken.py          files that are written to be taken away, so many an hour
            gate.py                 how often one address may ask, and how much it may send
            refusals.py             the status of what is refused
            same_page.py            the document kept as it was sent, instead of made anew for each visitor
            fields.py               what fields hold, whatever a raw request says
            fitting_prompts.py      prompts that fit the chosen checkpoints
            free_names.py           names for new checkpoints that nobody has yet
            early_head.py           the page's head in the document itself, before Gradio's scripts; the document packed
            headers.py              what every answer of the server tells a browser
            headline.py             the two big numbers of each checkpoint
            html.py                 the few tags that every piece shares
            links.py                links into the page
            one_run_per_page.py     asking twice is asking once
            visitors.py             who asks, and how much of a server strangers may use
            owner.py                what is the owner's alone, where a token is set
            owner_lock.py           the key of the owner, typed once for all tabs
            paces.py                how fast each backbone is on this machine
            pictures.py             pictures for the page, each under an address that tells nothing about it
            point_details.py        looks up what is behind a point of the chart
            point_details_view.py   what is behind a point of the chart
            reading.py              one line while the shipped results are still being read in
            results_panel.py        what a run looks like
            templates.py            renders the pages' HTML templates
            theme.py                how the page looks
            unknown.py              raw requests for what the page does not have
            wiring.py               handlers' dicts to Gradio's outputs
            words.py                numbers as a newcomer reads them
        api/                the use cases for programs
            endpoint.py             what an endpoint is
            endpoints.py            the menu of endpoints
            records.py              what they answer
            pictures.py             generate, grid, work, stop
            sweeps.py               sweep
            scores.py               score, points, checkpoints
            training_runs.py        align, jobs, job
            studies.py              study
            work.py                 how work stands
            publish.py              the endpoints in Gradio, and as tools
            reference.py            docs/api.md's table of endpoints
            metrics.py              numbers for Prometheus
        explore/            a prompt becomes pictures, two numbers and a point
            example_prompts.py      prompts to begin with, by category
            form.py                 the Explore form in and out
            form_view.py            the Explore form
            handlers.py             Explore's handlers
            add_checkpoint.py       a checkpoint from elsewhere: an id, a path or a file
            fetching_fold.py        what both folds for things from elsewhere share
            makers_numbers.py       fields for what a checkpoint's makers draw with
            own_checkpoints.py      the store's own: renamed, annotated, deleted, brought back
            add_prompts.py          a prompt set from elsewhere: an id, a path or a file
            missing_weights.py      a button for weights that a run's scores lack
            page.py                 a prompt becomes pictures, two numbers and a point
            picture_settings.py     a dropped picture fills the form
            progress_view.py        the line above the pictures
            quick_votes.py          quick votes from Explore
            run_history.py          every batch that was asked for
            subject_state.py        what the page shows of a subject
        grid/               two or three settings changed at once, the same seeds in every cell
            axes.py                 Grid's handlers of the form: what another axis or checkpoint brings along, and the price
            form.py                 the Grid form in and out
            handlers.py             Grid's handlers of the grid on show
            offers.py               what an axis offers
            page.py                 two or three settings changed at once
            one_picture.py          a page of the grid as one PNG
            table.py                a page's cells with their pictures and scores, ordered
            take_away.py            one HTML file, or a ZIP of PNGs with their scores
            view.py                 the Grid's components
        sweep/              many conditions on many prompts as a job
            cost.py                 what a sweep will cost here
            form.py                 the Sweep form in and out
            new_sweep.py            Sweep's handlers for the form
            page.py                 a form, a price, a job; then a map that fills
            sweep_state.py          what the page shows of a sweep
            sweeps.py               Sweep's handlers for the sweeps there are
            view.py                 the Sweep's components
        tradeoff/           every scored checkpoint as a point
            audit_view.py           what the audit found out about the metrics on the axes
            axes_view.py            the Trade-off page's controls
            handlers.py             Trade-off's handlers
            metric_trust.py         Trade-off's handlers about the metrics themselves
            more_charts.py          Trade-off's handlers for the charts beside it
            drawing.py              what the chart is drawn from, and how it is looked at
            reading.py              what the chart says beyond its points, in words
            comparing.py            chosen runs beside each other: settings and training curves
            run_table.py            the chart's legend as a table
            page.py                 every scored checkpoint as a point
        align/              a method and a button, then a run that anyone can watch
            cost.py                 what a training run will cost here
            fields.py               one control for every field that some method has
            job_state.py            what the page shows of a training job
            job_view.py             a training job in words, its result, and the history
            merging.py              checkpoints merged into a new one
            methods_view.py         the methods as cards
            new_run.py              Align's handlers for a new run
            page.py                 a method and a button, then a run that anyone can watch
            pair_preview.py         a look at what a run would learn from
            pairs_view.py           what a run would learn from
            publish.py              a finished run's checkpoint, pushed to the Hub
            runs.py                 Align's handlers for the runs there are
            samples_view.py         the same prompts and seeds while a model trains
            view.py                 the form of a new run, the run on show, the list of all
        study/              people say what they prefer
            contender_rows.py       what a study compares, as rows with pickers
            counting_view.py        what raters counted in the sets, and how sure they were
            design_form.py          the design form in and out
            design_form_view.py     the design of a study in three steps
            handlers.py             Study's handlers for designing, opening and ending
            page.py                 people say what they prefer, and their votes move a model
            qr.py                   an address as a QR code
            results.py              Study's handlers for what people said
            results_view.py         a study's results as tables and sentences
            status_view.py          where a study stands, its link and its log
            training.py             from votes to an adapter, and from the adapter to the next study
            verdict_view.py         what a study found, the most important first
            view.py                 the Study page: which study, inviting, results, training
        rate/               the participants' page
            arena.py                an arena: told after each answer, rounds go on, everybody sees who stands where
            handlers.py             taking part in a study: what a rater is told and may say
            routes.py               the participants' page and its endpoints
        theory/             what each divergence does with its hold
            family_view.py          the f-divergence family in words and formulas
            film.py                 the pairs of a training run on their way over a landscape
            handlers.py             Theory's handlers
            page.py                 what each divergence does with its hold
            player_view.py          the film of a training run
            view.py                 the Theory page's charts with their words

    cli/                    the same use cases without a page
        app.py              the application that every command joins
        options.py          what the commands share
        jobs.py             jobs: list, show, cancel, pause, resume, discard
        measuring.py        audit, rescore, metrics
        checkpoints.py      checkpoints: list, add, preview, rename, note, delete
        runs.py             generate, score, points, world, reference
        noise.py            a picture's noise, searched for a reward
        sweep.py            a sweep from a TOML file or from flags
        training.py         align and merge
        study.py            preference studies, and statistics of any votes
        store.py            store: check, repair, backup, export, import
        weights.py          weights: list, fetch
        protocols.py        protocol: list, run
        spread.py           a sweep on several devices at once
        prompts.py          prompts: list, import, show, remove
        serve.py            the page
        publish.py          push, pull, deploy
        report.py           what a store says about each research question
    __main__.py             python -m t2ialign
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "generate": "t2ialign.use_cases.api",
    "score_images": "t2ialign.use_cases.batches.score_pictures",
    "load_backbone": "t2ialign.use_cases.api",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """The public functions, imported when first asked for, so that ``import t2ialign`` stays instant."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
