using System.Reflection;
using Distributed.Environments;
using Distributed.Node.Recipes;

namespace Distributed.Node.Tests.Recipes;

public sealed class RecipeReadingTests
{
    private const string Smallest = "model: {path: m}\n";

    private static Recipe Read(string yaml, params string[] overrides) => RecipeFile.ParseTraining(yaml, "/r/x.yaml", overrides);

    private static string Refusal(string yaml, params string[] overrides) =>
        Should.Throw<RefusedException>(() => Read(yaml, overrides)).Message;

    [Fact]
    public void Every_option_can_be_left_out_but_the_model()
    {
        var recipe = Read(Smallest);
        recipe.Name.ShouldBe("x");
        recipe.Model.Path.ShouldBe("/r/m");
        recipe.Environment.Name.ShouldBe("search-world");
        recipe.Algorithm.Name.ShouldBe("a2tgpo");
        recipe.Loss.PolicyLoss.ShouldBe("turn");
        recipe.Loss.ClipRatioLow.ShouldBe(3e-3);
        recipe.Cluster.LearnerThreads.ShouldNotBeNull();
    }

    [Fact]
    public void An_unknown_key_is_refused_with_its_line_and_the_nearest_name() =>
        Refusal(Smallest + "seed: 1\nmax_stalenes_steps: 1\n")
            .ShouldBe("/r/x.yaml:3: there is no option max_stalenes_steps; did you mean max_staleness_steps?");

    [Fact]
    public void A_key_in_the_wrong_section_is_refused_with_the_right_one() =>
        Refusal(Smallest + "warmup_steps: 3\n").ShouldBe("/r/x.yaml:2: there is no option warmup_steps; did you mean optimizer.warmup_steps?");

    [Fact]
    public void An_unknown_key_with_no_like_is_refused_with_those_there_are() =>
        Refusal(Smallest + "checkpoint:\n  quux: 3\n").ShouldBe("/r/x.yaml:3: there is no option checkpoint.quux; known here: every_steps, keep");

    [Theory]
    [InlineData("steps: many", "/r/x.yaml:2: steps is 'many'; give a whole number, from 1 to 100000000")]
    [InlineData("steps: 1.5", "/r/x.yaml:2: steps is '1.5'; give a whole number, from 1 to 100000000")]
    [InlineData("steps: '3'", "/r/x.yaml:2: steps is '3' (quoted text); give a whole number, from 1 to 100000000")]
    [InlineData("steps:", "/r/x.yaml:2: steps is empty; give a whole number, from 1 to 100000000")]
    [InlineData("steps: [1]", "/r/x.yaml:2: steps is a list; give a whole number, from 1 to 100000000")]
    [InlineData("filter_groups: yes", "/r/x.yaml:2: filter_groups is 'yes'; give a true or false")]
    [InlineData("optimizer: 3e-4", "/r/x.yaml:2: optimizer is a section of options, not '3e-4'; indent its options below it")]
    [InlineData("optimizer: {betas: 0.9}", "/r/x.yaml:2: optimizer.betas is '0.9'; give a list of numbers, from 0 to below 1")]
    [InlineData("seed: .nan", "/r/x.yaml:2: seed is '.nan'; give a whole number, from 0 to 9007199254740992")]
    public void A_value_of_another_kind_is_refused_with_the_kind_it_should_have(string line, string message) => Refusal(Smallest + line).ShouldBe(message);

    [Theory]
    [InlineData("group_size: 1", "/r/x.yaml:2: group_size cannot be 1; give a number from 2 to 1024")]
    [InlineData("rollout: {top_p: 0}", "/r/x.yaml:2: rollout.top_p cannot be 0; give a number above 0 to 1")]
    [InlineData("optimizer: {betas: [0.9, 1]}", "/r/x.yaml:2: optimizer.betas cannot be 1; give a number from 0 to below 1")]
    [InlineData("rollout_is_threshold: 0", "/r/x.yaml:2: rollout_is_threshold cannot be 0; give a number more than 0")]
    [InlineData("algorithm: gpro", "/r/x.yaml:2: algorithm.name cannot be 'gpro'; did you mean grpo? known: grpo, rloo, reinforce++, reinforce++-baseline, gigpo, gtpo, igpo, a2tgpo, turn-peer, istar")]
    public void A_value_out_of_range_is_refused_with_the_range(string line, string message) => Refusal(Smallest + line).ShouldBe(message);

    [Theory]
    [InlineData("algorithm: {name: grpo, alpha: 1}", "algorithm.alpha belongs to a2tgpo, gtpo, turn-peer and istar, not to grpo; remove it")]
    [InlineData("algorithm: {name: gtpo, norm: separate}", "algorithm.norm is 'separate'; it must be one of joint, per_turn_index")]
    [InlineData("algorithm: {name: turn-peer, scale_floor: 0.1}", "algorithm.scale_floor does nothing with scale: none; set scale: batch or peers, or remove it")]
    [InlineData("algorithm: {name: grpo, shapers: [gated]}", "algorithm.shapers[0]: gated changes information gains only, and grpo uses none; choose igpo, a2tgpo or turn-peer, or remove it")]
    [InlineData("algorithm: {name: grpo, shapers: [{name: rank-incentive}]}", "algorithm.shapers[0]: rank-incentive puts its reward into the turns' gains, and grpo uses none; set into: outcome")]
    [InlineData("algorithm: {name: igpo, shapers: [{name: gated, weight: 1}]}", "algorithm.shapers[0].weight belongs to rank-incentive and tool-format, not to gated; remove it")]
    [InlineData("algorithm: {name: igpo, shapers: [{threshold: 1}]}", "algorithm.shapers[0] has no name; for example {name: gated, threshold: 1}")]
    [InlineData("algorithm: {name: igpo, shapers: [{name: length, easy_at: 0.2, hard_below: 0.5}]}", "algorithm.shapers[0].hard_below is 0.5; it must be from 0 to 0.2")]
    [InlineData("algorithm: grpo\nig: {scale: prob_diff}", "ig.scale is used by methods with information gain, not by grpo; remove it, or set ig.log: true to measure gains all the same", 3)]
    [InlineData("loss: {policy_loss: gspo, clip_ratio_c: 3}", "loss.clip_ratio_c belongs to ppo_clip, not to gspo; remove it")]
    [InlineData("loss: {policy_loss: gmpo, loss_agg_mode: token-mean}", "loss.loss_agg_mode does not apply to gmpo, which takes the mean over rollouts; remove it")]
    [InlineData("algorithm: {name: grpo, process_reward: {epochs: 2}}", "algorithm.process_reward belongs to istar, not to grpo; remove it")]
    [InlineData("algorithm: {name: grpo, progress: {epochs: 2}}", "algorithm.progress gives tool turns rewards in place of information gains, and grpo uses none; choose igpo, a2tgpo or turn-peer, or remove it")]
    [InlineData("rollout_rs: token_k1\nmini_batches: 2", "rollout_rs needs rollout_rs_threshold: one threshold for each rule, such as '0.5_2.0'")]
    [InlineData("rollout_rs: token_k1\nrollout_rs_threshold: '2'", "rollout_rs looks for rollouts of an older policy, but with max_staleness_steps 0 and mini_batches 1 there is none; remove it")]
    [InlineData("rollout_rs: token_k1\nrollout_rs_threshold: '1,2'\nmini_batches: 2", "rollout_rs has 1 rules but rollout_rs_threshold has 2 values; give one each, separated by commas")]
    [InlineData("rollout_rs_threshold: '2'", "rollout_rs_threshold does nothing without rollout_rs; give its rules or remove it")]
    [InlineData("loss: {kl_estimator: k1}", "loss.kl_estimator does nothing with kl_coef 0; give a kl_coef or remove it")]
    [InlineData("rollout: {temperature: 0}", "rollout.temperature is 0: all rollouts of a group would be the same and nothing could be learnt; give more than 0")]
    [InlineData("rollout_is: token", "rollout_is corrects for an older policy, but with max_staleness_steps 0 and mini_batches 1 there is none; remove it")]
    [InlineData("mini_batches: 33", "mini_batches is 33, but a step has only 32 groups; give at most prompts_per_step")]
    [InlineData("loss: {loss_agg_mode: seq-mean-token-sum-norm}", "loss.loss_agg_mode seq-mean-token-sum-norm divides by loss.loss_scale_factor; give one, for example the most tokens an episode may sample")]
    [InlineData("algorithm: {adaptive_clip: true}\nloss: {policy_loss: ppo_clip}", "algorithm.adaptive_clip needs the turn's own ratio; set loss.policy_loss: turn, or adaptive_clip: false")]
    [InlineData("environment: {name: jsonl-search, train: t, held_out: h}", "environment jsonl-search needs corpus: the path of a JSONL file")]
    [InlineData("environment: {name: jsonl-search, level: 2}", "environment.level belongs to search-world, not to jsonl-search; remove it")]
    [InlineData("environment: {assembly: a.dll}", "environment needs both assembly and type for a class of one's own")]
    [InlineData("environment: {train_mix: 1/x}", "environment.train_mix: '1/x' must be 1 to 3 shares such as 20/30/50, not all of them 0")]
    [InlineData("environment: {facts_per_passage: 3}", "environment.facts_per_passage: '3' must be 2 or 4 or 8 or 16")]
    [InlineData("rollout: {max_turns: 2}", "rollout.max_turns: questions of 3 look-ups need 4 turns, not 2: raise max_turns or shorten train_mix")]
    [InlineData("rollout: {max_turns: 2}\nenvironment: {assembly: a.dll, type: A}", "rollout sets max_turns, max_turn_tokens or tool_time_limit_s, which a class of one's own decides in its Format; remove it")]
    [InlineData("optimizer: {betas: [0.9]}", "optimizer.betas has 1 numbers; give two, for example [0.9, 0.999]")]
    [InlineData("stall_timeout_s: 20", "stall_timeout_s: stall_timeout_s (20) must be longer than rollout.lease_timeout_s (30), or a lost lease ends the run before it is re-issued")]
    public void Options_that_cannot_go_together_are_refused_with_the_mend(string lines, string message, int line = 2) =>
        Refusal(Smallest + lines).ShouldBe($"/r/x.yaml:{line}: {message}");

    [Fact]
    public void A_recipe_without_a_model_is_refused() =>
        Refusal("seed: 2\n").ShouldBe("/r/x.yaml:1: model is missing; name a model folder (model: {path: ...}) or a shape (model: {shape: {...}})");

    [Fact]
    public void Heads_that_do_not_divide_the_width_are_refused() =>
        Refusal("model:\n  shape:\n    num_attention_heads: 3\n")
            .ShouldBe("/r/x.yaml:3: model.shape.num_attention_heads 3 must divide hidden_size 128 into heads of an even width");

    [Theory]
    [InlineData("seed: 1\nseed: 2\n", 2)]
    [InlineData("seed: [1\n", 2)]
    [InlineData("- a\n", 1)]
    [InlineData("", 1)]
    [InlineData("seed: &a 1\nsteps: *a\n", 2)]
    public void Broken_YAML_is_refused_with_its_line(string yaml, int line) => Refusal(yaml).ShouldStartWith($"/r/x.yaml:{line}: ");

    [Fact]
    public void A_missing_file_is_refused_with_its_name() =>
        Should.Throw<RefusedException>(() => RecipeFile.ReadTraining("nowhere/x.yaml", []))
            .Message.ShouldBe("nowhere/x.yaml: there is no such file; give the path of a recipe (see recipes/)");

    [Fact]
    public void A_folder_is_refused_as_a_recipe() =>
        Should.Throw<RefusedException>(() => RecipeFile.ReadTraining(Path.GetTempPath(), [])).Message.ShouldContain("is a folder; name a recipe file");

    [Fact]
    public void An_override_replaces_a_value_and_makes_missing_sections()
    {
        var recipe = Read(Smallest + "optimizer: {lr: 1e-3}\n", "optimizer.lr=2e-4", "loss.clip_ratio_low=0.1", "optimizer.betas=[0.8, 0.9]");
        recipe.Optimizer.Lr.ShouldBe(2e-4);
        recipe.Optimizer.Betas.ShouldBe([0.8, 0.9]);
        recipe.Loss.ClipRatioLow.ShouldBe(0.1);
    }

    [Fact]
    public void An_estimator_named_by_an_override_leaves_the_options_of_the_old_one_behind()
    {
        var recipe = Read(Smallest + "algorithm: {name: a2tgpo, ig_std_floor: 0.1}\n", "algorithm=grpo", "algorithm.norm_adv_by_std_in_grpo=false");
        recipe.Algorithm.ShouldBe(new AlgorithmSection { Name = "grpo", NormAdvByStdInGrpo = false, Epsilon = 1e-6, SingletonGroup = "zero" });
        recipe.Loss.PolicyLoss.ShouldBe("ppo_clip");
    }

    [Theory]
    [InlineData("steps", "--set steps: is not of the form key.path=value; for example --set optimizer.lr=1e-4")]
    [InlineData("step=3", "--set step=3: there is no option step; did you mean steps?")]
    [InlineData("optimizer.lr=fast", "--set optimizer.lr=fast: optimizer.lr is 'fast'; give a number, above 0 to 10")]
    [InlineData("optimizer.lr=[1", "--set optimizer.lr=[1: ")]
    public void A_wrong_override_is_refused_as_it_was_typed(string assignment, string message) => Refusal(Smallest, assignment).ShouldStartWith(message);

    [Theory]
    [InlineData("search-world")]
    [InlineData("jsonl-search")]
    public void Every_option_of_an_environment_can_be_written_in_a_recipe(string name)
    {
        using var folder = new TemporaryFolder();
        foreach (var file in new[] { "train", "held_out" })
        {
            File.WriteAllText(folder[file], "{\"question\": \"q\", \"golden_answers\": [\"a\"]}\n");
        }
        File.WriteAllText(folder["corpus"], "{\"id\": \"1\", \"contents\": \"\\\"t\\\"\\ntext\"}\n");
        var every = OptionField.Of(typeof(EnvironmentSection))
            .Where(f => f.Property.GetCustomAttribute<AppliesToAttribute>() is { } applies && applies.Names.Contains(name))
            .Select(f => f.Key)
            .Concat(["max_turns", "max_turn_tokens", "tool_time_limit_ms"]);

        // An environment that is given an option it has not says which it has.
        var needed = new Dictionary<string, string> { ["?"] = "" };
        if (name == "jsonl-search")
        {
            foreach (var file in new[] { "train", "held_out", "corpus" })
            {
                needed[file] = folder[file];
            }
        }
        var refusal = Should.Throw<EnvironmentSetupException>(() => EnvironmentLoader.Load(null, name, needed)).Message;
        every.ShouldBe(refusal[(refusal.IndexOf("may be ", StringComparison.Ordinal) + 7)..].Split(", "), ignoreOrder: true);
    }

    [Fact]
    public void Options_are_handed_to_the_environment_as_it_reads_them()
    {
        var section = new EnvironmentSection { Level = 2, Seed = 7, SimilarNames = false, TrainMix = "1/2", RewardMalformed = -0.5 };
        var options = EnvironmentOptions.Of(section, new RolloutSection { MaxTurns = 5, ToolTimeLimitS = 1.5 });
        options.ShouldBe(new Dictionary<string, string>
        {
            ["level"] = "2", ["seed"] = "7", ["similar_names"] = "false", ["train_mix"] = "1/2", ["reward_malformed"] = "-0.5", ["max_turns"] = "5", ["tool_time_limit_ms"] = "1500",
        }, ignoreOrder: true);
    }

    [Fact]
    public void The_committed_recipes_can_be_read()
    {
        RecipeFile.ReadTraining(Path.Combine(RepositoryFolder.Path, "recipes/search-qa.yaml"), []).Name.ShouldBe("search-qa");
        RecipeFile.ReadWarmStart(Path.Combine(RepositoryFolder.Path, "recipes/warm-start-search-qa.yaml"), []).Stages.Count.ShouldBe(2);
    }
}
