using Distributed.Node.Runs;

namespace Distributed.Node.Tests.Runs;

public sealed class RunFolderTests : IDisposable
{
    private static readonly DateOnly Day = new(2026, 5, 4);
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private static StepReport Report(int step) => new(step, 9, step, step * 0.5, new Dictionary<string, double> { ["success"] = 0.25, ["loss"] = double.NaN });

    private static TrajectoryRecord Trajectory(int step) => new(
        step, 4, 1, "q-7", "2 look-ups", "Who <is> \"x\"?", ["a b"], "correct", 1, step,
        [new("<search> é </search>", "<result> a </result>", 5, 0.5, -1.25, null, true), new("<answer> a b </answer>", null, 4, null, 1, null, false)]);

    [Fact]
    public void Metrics_and_trajectories_read_back_as_they_were_written()
    {
        var run = folder["run"];
        using (var open = RunFolder.Create("x", "seed: 1\n", run, Day))
        {
            open.Append(Report(1));
            open.Append(Trajectory(1));
        }
        File.ReadAllText(RunFolder.RecipeOf(run)).ShouldBe("seed: 1\n");
        var report = MetricsLog.Read(RunFolder.MetricsOf(run)).ShouldHaveSingleItem();
        (report.Step, report.TotalSteps, report.Version, report.Seconds).ShouldBe((1, 9, 1L, 0.5));
        report["success"].ShouldBe(0.25);
        report["loss"].ShouldBeNull();
        report.Metrics["loss"].ShouldBe(double.NaN);
        var trajectory = TrajectoryLog.Read(RunFolder.TrajectoriesOf(run)).ShouldHaveSingleItem();
        trajectory.Turns.ShouldBe(Trajectory(1).Turns);
        (trajectory with { Turns = [], GoldenAnswers = [] }).ShouldBe(Trajectory(1) with { Turns = [], GoldenAnswers = [] }, "all else");
    }

    [Fact]
    public void A_line_of_metrics_is_one_flat_object()
    {
        var line = System.Text.Encoding.UTF8.GetString(MetricsLog.Format(Report(2)));
        line.ShouldBe("{\"step\":2,\"total_steps\":9,\"version\":2,\"seconds\":1,\"loss\":null,\"success\":0.25}");
    }

    [Fact]
    public void A_folder_that_is_not_empty_is_refused()
    {
        RunFolder.Create("x", "", folder["run"], Day).Dispose();
        Should.Throw<RefusedException>(() => RunFolder.Create("x", "", folder["run"], Day))
            .Message.ShouldBe($"{folder["run"]}: is not empty; choose another --out, or go on with it by --resume {folder["run"]}");
    }

    [Fact]
    public void A_resumed_run_writes_nothing_twice()
    {
        var run = folder["run"];
        using (var open = RunFolder.Create("x", "", run, Day))
        {
            for (var step = 0; step <= 4; step++)
            {
                open.Append(Report(step));
                open.Append(Trajectory(step));
            }
        }
        using (var resumed = RunFolder.Resume(run, 2))
        {
            resumed.Append(Report(3));
        }
        MetricsLog.Read(RunFolder.MetricsOf(run)).Select(r => r.Step).ShouldBe([0, 1, 2, 3]);
        TrajectoryLog.Read(RunFolder.TrajectoriesOf(run)).Select(t => t.Step).ShouldBe([0, 1, 2]);
    }

    [Fact]
    public void A_run_can_go_back_to_a_step_while_it_is_open()
    {
        using var open = RunFolder.Create("x", "", folder["run"], Day);
        open.Append(Report(1));
        open.Append(Report(2));
        open.Rewind(1);
        open.Append(Report(2));
        open.Append(Report(3));
        MetricsLog.Read(RunFolder.MetricsOf(folder["run"])).Select(r => r.Step).ShouldBe([1, 2, 3]);
    }

    [Fact]
    public void A_run_that_is_being_written_cannot_be_resumed_beside_it()
    {
        using var open = RunFolder.Create("x", "", folder["run"], Day);
        Should.Throw<RefusedException>(() => RunFolder.Resume(folder["run"], 0))
            .Message.ShouldBe($"{folder["run"]}: another process is writing to this run; wait for it, or choose another --out");
    }

    [Fact]
    public void A_folder_without_a_recipe_is_no_run() =>
        Should.Throw<RefusedException>(() => RunFolder.Resume(folder.Path, 0)).Message.ShouldContain("is no run folder (it has no recipe.yaml)");

    [Fact]
    public void A_folder_below_a_file_is_refused_in_one_line()
    {
        File.WriteAllText(folder["file"], "");
        Should.Throw<RefusedException>(() => RunFolder.Create("x", "", folder["file/run"], Day)).Message.ShouldStartWith(folder["file/run"] + ": cannot be written");
    }

    [Theory]
    [InlineData("{\"step\":1,\"total_steps\":2,\"version\":3}")]
    [InlineData("{\"step\":1.5,\"total_steps\":2,\"version\":3,\"seconds\":1}")]
    public void A_broken_line_of_metrics_is_refused_with_its_number(string line)
    {
        File.WriteAllText(folder["m.jsonl"], "{\"step\":0,\"total_steps\":2,\"version\":0,\"seconds\":0}\n" + line + "\n");
        Should.Throw<RefusedException>(() => MetricsLog.Read(folder["m.jsonl"])).Message.ShouldStartWith(folder["m.jsonl"] + ":2: is no line of metrics");
    }

    [Fact]
    public void A_broken_trajectory_is_refused_with_its_number()
    {
        File.WriteAllText(folder["t.jsonl"], "{\"step\":0}\n");
        Should.Throw<RefusedException>(() => TrajectoryLog.Read(folder["t.jsonl"]).ToList()).Message.ShouldStartWith(folder["t.jsonl"] + ":1: is no trajectory");
    }
}
