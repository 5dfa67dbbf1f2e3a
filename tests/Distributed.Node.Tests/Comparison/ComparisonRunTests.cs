using Distributed.Node.Comparison;
using Distributed.Node.Runs;

namespace Distributed.Node.Tests.Comparison;

/// <summary>Whole comparisons of tiny models with random weights.</summary>
public sealed class ComparisonRunTests : IDisposable
{
    private const string Base = """
        steps: 2
        prompts_per_step: 2
        group_size: 3
        stall_timeout_s: 600
        rollout: {lease_timeout_s: 300, max_turn_tokens: 6}
        model: {shape: {hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, num_key_value_heads: 1, intermediate_size: 16}}
        evaluation: {every_steps: 0, questions: 2, final_questions: 3, untrained: false}
        filter_groups: false
        skip_below: 0
        """;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private (ComparisonFile File, IReadOnlyList<PlannedRun> Runs) Plan(string yaml)
    {
        File.WriteAllText(folder["base.yaml"], Base);
        var file = ComparisonFile.Parse("base: base.yaml\n" + yaml, folder["tiny.yaml"]);
        return (file, PlannedRun.Plan(file));
    }

    private (IReadOnlyList<PlannedRun> Failed, string Lines) Do(IReadOnlyList<PlannedRun> runs, string output, int jobs)
    {
        using var lines = new StringWriter();
        var failed = new ComparisonRuns(runs, folder[output], new ComparisonProgress(lines, TimeProvider.System, runs, 0, jobs)).Do(jobs, CancellationToken.None);
        return (failed, lines.ToString());
    }

    [Fact]
    public void Every_method_runs_and_is_compared()
    {
        var (file, runs) = Plan("""
            methods:
              grpo: {algorithm: grpo}
              rloo: {algorithm: rloo, loss: {policy_loss: reinforce}}
              reinforce++: {algorithm: reinforce++, loss: {policy_loss: kl_cov}}
              reinforce++-baseline: {algorithm: reinforce++-baseline, loss: {policy_loss: cispo, kl_coef: 0.01}, mini_batches: 2}
              gigpo: {algorithm: {name: gigpo, use_gains: true}, loss: {policy_loss: gspo}}
              gtpo: {algorithm: {name: gtpo, shapers: [{name: par}]}, loss: {policy_loss: gmpo}}
              igpo: {algorithm: {name: igpo, norm: separate, shapers: [gated, min-form]}, loss: {policy_loss: sapo}}
              igpo-progress: {algorithm: {name: igpo, progress: {hidden_units: 4}}}
              a2tgpo: {algorithm: {name: a2tgpo, variant: released}}
              istar: {algorithm: {name: istar, alpha: 0.5, process_reward: {epochs: 2}}}
              turn-peer: {algorithm: {name: turn-peer, scale: batch}, loss: {policy_loss: clip_cov}, mini_batches: 2, rollout_is: token, rollout_rs: seq_mean_k3, rollout_rs_threshold: '0.1'}
            """);
        var (failed, lines) = Do(runs, "out", 2);
        failed.ShouldBeEmpty(lines);
        var results = ComparisonOutput.Read(file, runs, folder["out"]);
        results.Curves.Count.ShouldBe(11);
        ComparisonOutput.Write(results, folder["out"]);
        File.ReadAllText(folder["out/report.html"]).ShouldContain("turn-peer");
        File.ReadAllText(folder["out/results.csv"]).ShouldContain("base,gtpo,final_success,mean,,");
        File.ReadLines(folder["out/curves.csv"]).Count().ShouldBe(1 + 11 * 3);
        File.Exists(folder["out/plots/learning.svg"]).ShouldBeTrue();
    }

    [Fact]
    public void Several_tasks_are_summed_up_in_one_table_before_their_own()
    {
        var (file, runs) = Plan("seeds: [1, 2]\ntasks: {short: {}, long: {steps: 3}}\nmethods: {grpo: {algorithm: grpo}, rloo: {algorithm: rloo}}\n");
        Do(runs, "out", 2).Failed.ShouldBeEmpty();
        var results = ComparisonOutput.Read(file, runs, folder["out"]);
        ComparisonTable.Markdown(results).ShouldStartWith("| method | short | long |\n|---|---:|---:|\n| grpo | 0.000 | 0.000 |\n| rloo | 0.000 | 0.000 |\n\nFinal success, mean over seeds. ▲ ahead of grpo on every common seed");
        ComparisonOutput.Write(results, folder["out"]);
        var page = File.ReadAllText(folder["out/report.html"]);
        page.ShouldContain("<h2>Which method wins where</h2>");
        page.ShouldContain("<td>rloo</td><td class=\"best\">0.000</td><td class=\"best\">0.000</td>");
    }

    [Fact]
    public void A_run_that_fails_is_said_and_the_others_go_on_and_finished_runs_are_recognised()
    {
        var (_, runs) = Plan("methods: {bad: {algorithm: rloo}, good: {algorithm: grpo}}\n");
        var broken = runs[0] with { Recipe = runs[0].Recipe with { Model = new() { Path = folder["nowhere"] } } };
        var (failed, lines) = Do([broken, runs[1]], "out", 1);
        failed.ShouldHaveSingleItem().Method.ShouldBe("bad");
        lines.ShouldContain("bad, seed 1: FAILED: ");
        FinishedRun.IsIn(broken.FolderBelow(folder["out"]), broken).ShouldBeFalse();
        FinishedRun.IsIn(runs[1].FolderBelow(folder["out"]), runs[1]).ShouldBeTrue();
        FinishedRun.IsIn(runs[1].FolderBelow(folder["out"]), runs[1] with { Hash = new string('0', 64) }).ShouldBeFalse();

        // A folder of an earlier version of the program: another hash, but its recipe reads as this one.
        var path = runs[1].FolderBelow(folder["out"]);
        var old = Path.Combine(Path.GetDirectoryName(path)!, "seed-1-0ld0ld00");
        Directory.Move(path, old);
        File.WriteAllText(Path.Combine(old, "finished.json"), File.ReadAllText(Path.Combine(old, "finished.json")).Replace(runs[1].Hash, "0ld", StringComparison.Ordinal));
        runs[1].FolderBelow(folder["out"]).ShouldBe(old);
        FinishedRun.IsIn(old, runs[1]).ShouldBeTrue();
    }

    [Fact]
    public void How_many_run_side_by_side_changes_nothing()
    {
        var (_, runs) = Plan("seeds: [1, 2]\nmethods: {a2: {algorithm: {name: a2tgpo, ig_std_floor: 0.1}}}\n");
        Do(runs, "one", 1).Failed.ShouldBeEmpty();
        Do(runs, "two", 2).Failed.ShouldBeEmpty();
        foreach (var run in runs)
        {
            string Weights(string output) => File.ReadAllText(Path.Combine(run.FolderBelow(folder[output]), "finished.json"));
            Weights("one").ShouldBe(Weights("two"));
        }
    }

    [Fact]
    public void An_interrupted_run_goes_on_from_its_checkpoint_to_the_same_weights()
    {
        var (_, runs) = Plan("recipe: {checkpoint: {every_steps: 1, keep: 3}}\nmethods: {grpo: {algorithm: grpo}}\n");
        Do(runs, "whole", 1).Failed.ShouldBeEmpty();
        Do(runs, "torn", 1).Failed.ShouldBeEmpty();
        var torn = runs[0].FolderBelow(folder["torn"]);
        var finished = File.ReadAllText(Path.Combine(torn, "finished.json"));
        File.Delete(Path.Combine(torn, "finished.json"));
        var newest = Directory.EnumerateDirectories(RunFolder.CheckpointsOf(torn)).Order(StringComparer.Ordinal).Last();
        Directory.Delete(newest, recursive: true);
        Do(runs, "torn", 1).Failed.ShouldBeEmpty();
        File.ReadAllText(Path.Combine(torn, "finished.json")).ShouldBe(finished);
    }
}
